// Command openapi serves an API with its own description: an OpenAPI 3.1 document
// made of types, tags and options, and a page that shows it.
//
//	go run ./examples/openapi                # then open localhost:8080/docs
//	curl localhost:8080/docs/openapi.yaml
//	go run ./examples/openapi -print json    # or yaml: for files, linters, generators
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/runtime/std"
)

type byID struct {
	ID int64 `path:"id" minimum:"1" doc:"number of the reef" example:"7"`
}

// reef holds reefs: a type that contains itself is told by reference.
type reef struct {
	ID    int64     `json:"id" readOnly:"true"`
	Name  string    `json:"name" required:"true" minLength:"1" maxLength:"80" example:"Osprey"`
	Kind  string    `json:"kind,omitempty" enum:"atoll,barrier,fringing"`
	Depth float64   `json:"depth" minimum:"0" doc:"in metres"`
	Seen  time.Time `json:"seen,omitzero"`
	Parts []reef    `json:"parts,omitempty" maxItems:"20"`
}

type listReefs struct {
	Kinds []string `query:"kind" items.enum:"atoll,barrier,fringing" doc:"one or more"`
	Limit int      `query:"limit" default:"20" minimum:"1" maximum:"100"`
}

var (
	errNoReef = &tako.Error{Status: 404, Type: "/problems/no-reef", Title: "There is no such reef"}
	errTaken  = &tako.Error{Status: 409, Type: "/problems/taken", Title: "Another reef has this name"}
	osprey    = reef{ID: 7, Name: "Osprey", Kind: "barrier", Depth: 40}
)

func config() openapi.Config {
	return openapi.Config{
		Title: "Reefs", Version: "1.4.0", Description: "Where to dive.",
		Servers: []openapi.Server{{URL: "http://localhost:8080"}},
		Tags:    []openapi.Tag{{Name: "reefs", Description: "Reefs and their parts."}},
	}
}

func app() *tako.Router {
	r, s := tako.New(), &store{all: []reef{osprey}, last: osprey.ID}
	reefs := r.Group("/reefs")
	reefs.Describe(tako.Tags("reefs"))
	tako.Get(reefs, "", s.list, tako.Name("listReefs"), tako.Summary("List reefs"))
	tako.Get(reefs, "/{id}", s.get, tako.Name("getReef"), tako.Summary("One reef"), tako.Throws(errNoReef), tako.Example(osprey, 200))
	tako.Post(reefs, "", s.add, tako.Name("addReef"), tako.Summary("Add a reef"), tako.Throws(errTaken), tako.Example(osprey))
	r.Get("/tide", func(c *tako.Context) error { return c.Text(200, "high\n") }, // raw handlers say it by options
		tako.Name("tide"), tako.Summary("High or low?"), tako.Returns[string](200, "one word", "text/plain"))
	openapi.Mount(r, "/docs", config())
	return r
}

func main() {
	format := flag.String("print", "", "print the document as json or yaml, and exit")
	flag.Parse()
	if *format != "" {
		if err := openapi.Write(os.Stdout, app(), config(), openapi.Format(*format)); err != nil {
			log.Fatal(err)
		}
		return
	}
	if _, err := tako.Run(context.Background(), std.New(app(), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
