package extracttable

import (
	"context"
	"strings"

	"github.com/tako-go/tako"
)

// A section is a part of the table with a heading.
type section struct {
	title string
	rows  []Row
}

func sections() []section {
	return []section{
		{"Parameters and headers", paramRows()},
		{"Preferences and conditions", preferenceRows()},
		{"The request and its connection", requestRows()},
		{"Bodies", bodyRows()},
		{"Bodies in other formats", codecRows()},
		{"Forms with files", uploadRows()},
		{"Credentials", authRows()},
		{"Cookies", cookieRows()},
		{"State and values", valueRows()},
	}
}

// tooLong is a body over the limit of the app.
var tooLong = strings.Repeat("x", BodyLimit+1)

// Failures that body extractors share.

func overLimit(fields ...string) Failure {
	return Failure{413, "the body is over the limit of the route", Case{Fields: fields, Body: tooLong, Want: "16384 bytes"}, false}
}

func coded(fields ...string) Failure {
	return Failure{415, "the body has a content coding", Case{Fields: append(fields, "Content-Encoding: br"), Body: "x", Want: "the coding"}, false}
}

func noBody() Failure {
	return Failure{400, "no Content-Type and no body", Case{Method: "POST", Want: "missing"}, true}
}

// reef is what bodies are decoded into.
type reef struct {
	Name  string `json:"name" form:"name"`
	Depth int    `json:"depth" form:"depth"`
}

// Validate wants a name.
func (r reef) Validate(context.Context) error {
	if r.Name == "" {
		return tako.Unprocessable("a reef needs a name")
	}
	return nil
}

var reefKey = tako.NewKey[reef]("reef")

// leaveReef is middleware that leaves a reef if the client asks for it.
func leaveReef(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if name := c.RequestHeader("X-Reef"); name != "" {
			reefKey.Set(c, reef{Name: name})
		}
		return next(c)
	}
}
