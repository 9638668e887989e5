package main

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

type humaInput struct {
	ID    int64  `path:"id" minimum:"1"`
	Q     string `query:"q"`
	Trace string `header:"X-Trace"`
	Body  newUser
}

type humaOutput struct{ Body user }

// humaRouter is huma on the mux of net/http. Without hooks its answers carry no
// link to their schema.
func humaRouter(s *users, hooks bool) http.Handler {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("users", "1")
	if !hooks {
		cfg.CreateHooks = nil
	}
	huma.Put(humago.New(mux, cfg), "/users/{id}", func(_ context.Context, in *humaInput) (*humaOutput, error) {
		return &humaOutput{s.replace(in.ID, in.Q, in.Trace, in.Body)}, nil
	})
	return mux
}
