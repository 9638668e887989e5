package http2serve_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// waiting has handlers that wait for the end of their contexts, and tell the cause.
func waiting(entered chan<- struct{}, causes chan<- error, where tako.Option) *tako.Router {
	app := tako.New()
	wait := func(c *tako.Context) error {
		ctx := c.Context()
		entered <- struct{}{}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}
	app.Get("/", wait, where)
	app.Post("/", wait, where)
	app.Post("/read", func(c *tako.Context) error {
		entered <- struct{}{}
		_, err := io.Copy(io.Discard, c.Body())
		causes <- err
		return err
	}, where)
	app.Get("/write", func(c *tako.Context) error {
		entered <- struct{}{}
		var err error
		for piece := make([]byte, 64<<10); err == nil; {
			_, err = c.Write(piece)
		}
		causes <- err
		return err
	}, where)
	app.Get("/late", func(c *tako.Context) error { // asks when it is over
		entered <- struct{}{}
		for err := error(nil); err == nil; pass(nil, time.Millisecond) {
			err = c.Flush()
		}
		causes <- context.Cause(c.Context())
		return nil
	}, where)
	app.Get("/hello", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, where)
	return app
}

// Contexts end, and reads and writes fail, when the client resets the stream, leaves, breaks
// the protocol, or a drain is cut.
func TestContextCauses(t *testing.T) {
	leavesNothing(t)
	ends := map[string]func(t *testing.T, s *server, c *framed){
		"reset": func(t *testing.T, _ *server, c *framed) {
			assert.NoError(t, c.fr.WriteRSTStream(1, http2.ErrCodeCancel))
		},
		"gone": func(_ *testing.T, _ *server, c *framed) { _ = c.Close() },
		"fault": func(_ *testing.T, _ *server, c *framed) {
			_ = c.fr.WriteRawFrame(http2.FramePing, 0, 1, make([]byte, 8))
		},
		"cut": func(t *testing.T, s *server, _ *framed) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			s.cut = true
			report, err := s.Shutdown(ctx)
			assert.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, report.Cut, 1, "cut")
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
				for _, req := range [][2]string{{"GET", "/"}, {"POST", "/"}, {"POST", "/read"}, {"GET", "/write"}, {"GET", "/late"}} {
					entered, causes := make(chan struct{}, 1), make(chan error, 1)
					s := k.serve(t, waiting(entered, causes, where), config{})
					c := s.framed(t).settled()
					c.head(1, req[0] == "GET", req[0], req[1])
					await(t, "the handler", entered)
					end(t, s, c)
					cause := await(t, req[1]+": the end of the handler", causes)
					switch {
					case cause == nil || errors.Is(cause, context.Canceled):
						t.Errorf("%s: got %v, want a cause", req, cause)
					case (name == "gone" || name == "reset") && req[1] == "/" && !errors.Is(cause, tako.ErrClientGone):
						t.Errorf("%s: got %v, want %v", req, cause, tako.ErrClientGone)
					case name == "cut" && errors.Is(cause, tako.ErrClientGone):
						t.Errorf("%s: got %v, want the shutdown", req, cause)
					}
					if name == "reset" {
						c.get(3, "/hello")
						c.answered(200, 3)
					}
				}
			})
		})
	}
}

// A context that was kept ends with its request.
func TestContextAfterwards(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		kept := make(chan context.Context, 1)
		app := tako.New()
		app.Get("/", func(c *tako.Context) error {
			ctx, cancel := context.WithTimeout(c.Context(), time.Hour)
			t.Cleanup(cancel)
			kept <- ctx
			return c.Text(http.StatusOK, "hello")
		}, where)
		s := k.serve(t, app, config{})
		c := s.framed(t).settled()
		for id := uint32(1); id < 100; id += 2 {
			c.get(id, "/")
			c.answered(200, id)
			ctx := await(t, "the context", kept)
			select {
			case <-ctx.Done():
			case <-time.After(patience):
				t.Fatal("the context goes on")
			}
			assert.ErrorIs(t, ctx.Err(), context.Canceled)
		}
	})
}

// Streams that the client resets at once, again and again, leave nothing behind.
func TestResetStorm(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		app := tako.New()
		app.Post("/", func(c *tako.Context) error {
			ctx := c.Context()
			_, err := io.Copy(c, c.Body())
			if err == nil {
				t.Error("a body that was broken off looks complete")
			}
			<-ctx.Done()
			return err
		}, where)
		app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, where)
		s := k.serve(t, app, config{})
		c := s.framed(t).settled()
		for id := uint32(1); id < 800; id += 4 {
			c.head(id, false, "POST", "/")
			c.data(id, false, "part")
			assert.NoError(t, c.fr.WriteRSTStream(id, http2.ErrCodeCancel))
			c.get(id+2, "/")
			c.until("an answer or a refusal", c.on(id+2).over)
			if m := c.on(id + 2); m.ended {
				assert.Equal(t, string(m.body), "hello")
			} else {
				assert.Equal(t, m.code(), int(http2.ErrCodeRefusedStream), "code")
			}
		}
		c.alive()
	})
}
