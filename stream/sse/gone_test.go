package sse_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
)

// That the client of a stream has left is said once.
func TestGoneOnce(t *testing.T) {
	outcomes := make(chan error, 1)
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				c.OnDone(func(o tako.Outcome) { outcomes <- o.Err })
				return next(c)
			}
		})
		hub := sse.NewHub[point](sse.HubConfig{})
		tako.Get(r, "/hub", func(context.Context, struct{}) (sse.Stream[point], error) { return hub.Stream("a"), nil })
		tako.Get(r, "/channel", stream(sse.Stream[point]{Channel: make(chan sse.Event[point])}))
		return r
	}, func(t *testing.T, s *carrier) {
		for _, path := range []string{"/hub", "/channel"} {
			resp := s.do(t, "GET", path, nil)
			assert.Equal(t, resp.StatusCode, 200)
			_ = resp.Body.Close()
			select {
			case err := <-outcomes:
				assert.Equal(t, errors.Is(err, tako.ErrClientGone), true, path, err)
				assert.Equal(t, strings.Count(err.Error(), "client closed the connection"), 1, path, err)
			case <-time.After(patience):
				t.Fatal("the stream does not end: ", path)
			}
		}
	})
}
