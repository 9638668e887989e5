package http2serve_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// reading answers with the body of the request.
func reading(opts ...tako.Option) *tako.Router {
	app := tako.New()
	app.Post("/", func(c *tako.Context) error {
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.Text(http.StatusOK, string(body))
	}, opts...)
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, opts...)
	return app
}

// A body that takes too long in all is answered 408, while the others on the connection are
// served.
func TestBodyTimeout(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		s := k.serve(t, reading(where), config{limits: tako.Limits{BodyTimeout: soon, MinBodyRate: tako.NoLimit}})
		c := s.framed(t).settled()
		began := time.Now() // the server cannot begin to count before
		c.head(1, false, "POST", "/")
		c.head(3, false, "POST", "/")
		for i := uint32(0); i < 1000 && !c.on(1).over(); i++ { // drips, which does not help
			c.data(1, false, "x")
			c.get(5+2*i, "/")
			c.answered(200, 5+2*i)
			pass(t, soon/20)
		}
		c.answered(408, 1, 3)
		if since := time.Since(began); since < soon || since > 40*soon {
			t.Errorf("ended after %v, want about %v", since, soon)
		}
		assert.Eventually(t, patience, "both are counted", func() bool { return s.counts().timedOut == 2 })
		c.alive()
	})
}

// A body below the minimum rate is answered 408 after a grace of 5 s; one above it is not.
func TestMinBodyRate(t *testing.T) {
	if testing.Short() {
		t.Skip("takes six seconds")
	}
	over(t, clearTargets, func(t *testing.T, k target) {
		s := k.serve(t, reading(), config{limits: tako.Limits{MinBodyRate: 100}})
		c := s.framed(t).settled()
		c.head(1, false, "POST", "/")
		c.head(3, false, "POST", "/")
		began := time.Now()
		last := began
		for time.Since(began) < 6*time.Second && !c.on(1).over() {
			c.data(1, false, "x")
			if since := time.Since(last); since > 100*time.Millisecond {
				c.data(3, false, fmt.Sprintf("%*s", since.Milliseconds(), ""))
				last = last.Add(since)
			}
			c.alive()
			pass(t, 20*time.Millisecond)
		}
		c.answered(408, 1)
		if since := time.Since(began); since < 4*time.Second {
			t.Errorf("ended after %v, want a grace of 5 s", since)
		}
		c.data(3, true, "")
		c.answered(200, 3)
	})
}

// A frame or a header block that comes too slowly ends the connection.
func TestSlowFrame(t *testing.T) {
	leavesNothing(t)
	begin := map[string]func(c *framed){
		"part of a frame": func(c *framed) { _, _ = c.Write([]byte{0, 0, 8, 6, 0}) },
		"part of a block": func(c *framed) {
			_ = c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block("GET", "/")})
		},
		"drips of a block": func(c *framed) {
			_ = c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block("GET", "/")})
			for range 100 {
				if c.fr.WriteContinuation(1, false, c.fields("x-a", "b")) != nil {
					return
				}
				pass(c.t, soon/20)
			}
		},
	}
	for name, send := range begin {
		t.Run(name, func(t *testing.T) {
			over(t, allTargets, func(t *testing.T, k target) {
				s := k.serve(t, reading(), config{limits: tako.Limits{HeaderTimeout: soon}})
				c := s.framed(t).settled()
				began := time.Now()
				send(c)
				c.ended()
				if since := time.Since(began); since > 20*soon {
					t.Errorf("ended after %v", since)
				}
				assert.Eventually(t, patience, "the end to be counted", func() bool { return s.counts().timedOut == 1 })
			})
		})
	}
}

// lateBody has handlers that go on reading when their response has long been sent.
func lateBody(read chan<- error, wrote chan<- error, where tako.Option) *tako.Router {
	app := tako.New()
	late := func(c *tako.Context) error {
		<-c.Context().Done()
		_, err := io.Copy(io.Discard, c.Body())
		_, werr := c.WriteString("late")
		read <- err
		wrote <- werr
		return err
	}
	app.Post("/tako", late, tako.Timeout(soon), where)
	app.Post("/waits", func(c *tako.Context) error {
		_, err := io.Copy(io.Discard, c.Body())
		_, werr := c.WriteString("late")
		read <- err
		wrote <- werr
		return err
	}, tako.Timeout(soon), where)
	app.Post("/http", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		go func() {
			<-r.Context().Done()
			_, err := io.Copy(io.Discard, r.Body)
			_, werr := w.Write([]byte("late"))
			read <- err
			wrote <- werr
		}()
		w.WriteHeader(http.StatusServiceUnavailable)
	})), where)
	app.Post("/http/waits", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := make(chan struct{})
		go func() {
			close(reads)
			_, err := io.Copy(io.Discard, r.Body)
			read <- err
			wrote <- errors.New("none")
		}()
		<-reads
		pass(nil, soon/10)
		w.WriteHeader(http.StatusServiceUnavailable)
	})), where)
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, where)
	return app
}

// A body that is read when the response has ended gives an error at once, also to who waits
// for it already, and never bytes of another request.
func TestLateBody(t *testing.T) {
	leavesNothing(t)
	for _, path := range []string{"/tako", "/waits", "/http", "/http/waits"} {
		t.Run(path[1:], func(t *testing.T) {
			eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
				read, wrote := make(chan error, 100), make(chan error, 100)
				s := k.serve(t, lateBody(read, wrote, where), config{limits: tako.Limits{MinBodyRate: tako.NoLimit}})
				c := s.framed(t).settled()
				id := uint32(1)
				for range 3 {
					c.head(id, false, "POST", path)
					c.data(id, false, "some")
					c.answered(503, id)
					for range 20 {
						id += 2
						c.get(id, "/")
						c.answered(200, id)
					}
					id += 2
				}
				for range 3 {
					if err := await(t, "the late read", read); err == nil {
						t.Error("the late read got no error")
					}
					if err := await(t, "the late write", wrote); err == nil {
						t.Error("the late write got no error")
					}
				}
				c.alive()
				assert.Equal(t, s.counts().timedOut, int64(0), "timed out")
			})
		})
	}
}

// A request whose body nobody reads is answered, and the client told to stop; those that
// follow are served.
func TestUnreadBody(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		app := tako.New()
		app.Post("/", func(c *tako.Context) error { return c.Text(http.StatusForbidden, "no") })
		s := k.serve(t, app, config{})
		cl := s.client(t)
		for range 20 {
			body, _ := noise(1<<20, 3)
			got, err := ask(cl, request(t, "POST", s.url("/"), io.NopCloser(body)))
			assert.NoError(t, err)
			assert.Equal(t, got.body, "no")
		}
		assert.Equal(t, s.counts().accepted, int64(1), "connections")
		c := s.framed(t).settled()
		began := time.Now()
		c.head(1, false, "POST", "/")
		c.answered(403, 1)
		c.until("the reset", func() bool { return c.on(1).reset != nil })
		assert.Equal(t, c.on(1).code(), int(http2.ErrCodeNo), "code")
		if since := time.Since(began); since < soon || since > patience/2 {
			t.Errorf("reset after %v", since)
		}
	})
}

// A body within the window is there as a whole when its handler runs on the leader; a larger
// one has it run elsewhere.
func TestBodyClass(t *testing.T) {
	over(t, clearTargets[1:], func(t *testing.T, k target) {
		s := k.serve(t, reading(tako.Inline()), config{})
		own := s.Server.(*loop.Server)
		c := s.framed(t).settled()
		c.head(1, false, "POST", "/")
		c.data(1, true, "with the head, or nearly")
		c.answered(200, 1)
		assert.Eventually(t, patience, "the first to be counted", func() bool { return own.Stats().Requests == 1 })
		before := own.Stats().Offloaded
		c.head(3, false, "POST", "/")
		c.alive()
		c.data(3, true, "later")
		c.answered(200, 3)
		assert.Eventually(t, patience, "the handler to be counted", func() bool { return own.Stats().Offloaded == before+1 })
	})
}
