package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/tako-go/tako"
)

type putUser struct {
	ID    int64  `path:"id" minimum:"1"`
	Q     string `query:"q"`
	Trace string `header:"X-Trace"`
	Body  newUser
}

// takoTyped is the typed handler, with codecs in front of the default one.
func takoTyped(s *users, codecs ...tako.Codec) *tako.Router {
	r := tako.New()
	for _, codec := range codecs {
		r.Codec(codec)
	}
	tako.Put(r, "/users/{id}", func(_ context.Context, in putUser) (user, error) {
		return s.replace(in.ID, in.Q, in.Trace, in.Body), nil
	})
	return r
}

// stdCodec is encoding/json and nothing else: what is left where the short way of
// the default codec cannot be taken.
type stdCodec struct{}

func (stdCodec) MediaTypes() []string            { return onlyJSON }
func (stdCodec) Decode(text []byte, v any) error { return json.Unmarshal(text, v) }

func (stdCodec) Encode(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

var onlyJSON = []string{"application/json"}

// takoRaw is a handler of a Context that does by hand what byHand does.
func takoRaw(s *users) *tako.Router {
	r := tako.New()
	r.Put("/users/{id}", func(c *tako.Context) error {
		id, err := strconv.ParseInt(c.Param("id"), 10, 64)
		if err != nil {
			return tako.BadRequest("id is no number")
		}
		text, err := c.ReadBody()
		if err != nil {
			return err
		}
		var in newUser
		if err := (tako.JSONCodec{}).Decode(text, &in); err != nil {
			return err
		}
		if wrong := checkByHand(id, &in, looksLikeEmail); len(wrong) > 0 {
			return &tako.Error{Status: http.StatusUnprocessableEntity, Detail: wrong.String()}
		}
		out := s.replace(id, c.Query("q"), c.RequestHeader("X-Trace"), in)
		return c.JSON(http.StatusOK, &out)
	})
	return r
}
