package main

import (
	"context"
	"strings"

	"github.com/tako-go/tako"
)

type listedRoute struct {
	Method  string   `json:"method" required:"true"`
	Pattern string   `json:"pattern" required:"true"`
	Summary string   `json:"summary,omitempty"`
	Tags    []string `json:"tags,omitempty" nullable:"false"`
	Inputs  []string `json:"inputs,omitempty" nullable:"false"`
	Result  string   `json:"result,omitempty"`
}

// listRoutes tells what the router knows about itself; nothing is written twice.
func listRoutes(r *tako.Router) []listedRoute {
	var list []listedRoute
	for _, l := range r.Routes() {
		op := l.Operation
		if op.Hidden {
			continue
		}
		line := listedRoute{Method: l.Method, Pattern: l.Pattern, Summary: op.Summary, Tags: op.Tags}
		for _, in := range op.Inputs {
			line.Inputs = append(line.Inputs, in.In+" "+in.Name)
		}
		if op.Body != nil {
			line.Inputs = append(line.Inputs, "body "+shortType(op.Body.String()))
		}
		if op.Output != nil {
			line.Result = shortType(op.Output.String())
		}
		list = append(list, line)
	}
	return list
}

// shortType drops the paths and the name of this package from a type's name.
func shortType(name string) string {
	name = strings.ReplaceAll(name, "github.com/tako-go/tako/examples/octopus/", "")
	return strings.NewReplacer("main.", "", "octopus.", "", "tako.", "").Replace(name)
}

func addRoutes(api, app *tako.Router) {
	tako.Get(api, "/routes", func(context.Context, struct{}) ([]listedRoute, error) {
		return listRoutes(app), nil
	}, tako.Tags("service"), tako.Name("listRoutes"), tako.Summary("All routes"),
		tako.Describe("What the router knows of itself, shorter than this document."))
}
