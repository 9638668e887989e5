// Command extractors is a tour of what handlers can read from a request: as fields
// of an input, as the whole of it, by hand in a raw handler, and where it may be
// absent. docs/features/extractors-table.md lists all there are.
//
//	go run ./examples/extractors
//	curl -H 'Accept-Language: de-CH, en;q=0.5' 'localhost:8080/greet/ada?loud=true'
//	curl -H 'X-Trace-Id: 7f' localhost:8080/greet/ada
//	curl -H 'Content-Type: text/plain' -d 'ten tentacles' localhost:8080/notes
//	curl -H 'Content-Type: text/plain' -d "$(seq 99)" localhost:8080/notes   # 413
//	curl -H 'Range: bytes=4-12' localhost:8080/poem
package main

import (
	"context"
	"log"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/runtime/std"
)

// traceID is the value of one header field, whose name it knows.
type traceID string

func (traceID) HeaderName() string { return "X-Trace-Id" }

// visitor has several extractors as fields, beside parameters by tags.
type visitor struct {
	Name      string `path:"name"`
	Loud      bool   `query:"loud"`
	Languages extract.AcceptLanguage
	From      extract.ClientIP
	Pattern   extract.MatchedPath
	Trace     tako.Optional[extract.Header[traceID]]
}

var greetings = map[string]string{"en": "Hello", "de": "Hallo", "fr": "Bonjour"}

func greet(_ context.Context, in visitor) (map[string]any, error) {
	language, _ := in.Languages.Match("en", "de", "fr")
	text := greetings[language] + ", " + in.Name
	if in.Loud {
		text = strings.ToUpper(text)
	}
	answer := map[string]any{"text": text, "from": in.From.Addr, "route": in.Pattern}
	if in.Trace.Present {
		answer["trace"] = in.Trace.Value.Value
	}
	return answer, nil
}

// noteLimit bounds a body in place of the limit of the route.
type noteLimit struct{}

func (noteLimit) MaxBytes() int64 { return 100 }

// note is one extractor, and the whole input: a text of at most 100 bytes.
type note = extract.Limited[extract.Text, noteLimit]

func count(_ context.Context, in note) (map[string]int, error) {
	return map[string]int{"bytes": len(in.Value), "words": len(strings.Fields(string(in.Value)))}, nil
}

const verse = "ten tentacles are two too many"

// poem is a raw handler, which asks by hand.
func poem(c *tako.Context) error {
	wanted, err := tako.Extract[extract.Range](c)
	if err != nil {
		return err
	}
	parts, err := wanted.Resolve(int64(len(verse)))
	if err != nil {
		return err // 416
	}
	if len(parts) != 1 {
		return c.Text(200, verse)
	}
	c.Header().Set("Content-Range", parts[0].ContentRange(int64(len(verse))))
	return c.Text(206, verse[parts[0].Start:][:parts[0].Length])
}

func app() *tako.Router {
	r := tako.New()
	tako.Get(r, "/greet/{name}", greet)
	tako.Post(r, "/notes", count)
	r.Get("/poem", poem)
	return r
}

func main() {
	if _, err := tako.Run(context.Background(), std.New(app(), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
