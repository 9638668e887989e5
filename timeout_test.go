package tako_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

var timeoutKey = tako.NewKey[string]("timeout test")

// timeouts are the ways to bound a route.
var timeouts = []struct {
	name string
	set  func(r *tako.Router, d time.Duration) []tako.Option
}{
	{"option", func(_ *tako.Router, d time.Duration) []tako.Option { return []tako.Option{tako.Timeout(d)} }},
	{"group", func(r *tako.Router, d time.Duration) []tako.Option { r.Timeout(d); return nil }},
	{"middleware", func(r *tako.Router, d time.Duration) []tako.Option { r.Use(middleware.Timeout(d)); return nil }},
	{"inner of two", func(r *tako.Router, d time.Duration) []tako.Option {
		r.Use(middleware.Timeout(100 * d))
		return []tako.Option{tako.Timeout(d)}
	}},
	{"outer of two", func(r *tako.Router, d time.Duration) []tako.Option {
		r.Use(middleware.Timeout(d))
		return []tako.Option{tako.Timeout(100 * d)}
	}},
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, way := range timeouts {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				done, inside, ended := make(chan tako.Outcome, 1), make(chan tako.Outcome, 1), make(chan struct{})
				checked := false
				r := tako.New()
				r.Use(outcomes(done), middleware.RequestIDWith(middleware.RequestIDConfig{New: func() string { return "id7" }}),
					around(func(c *tako.Context) {
						c.Header().Set("Access-Control-Allow-Origin", "https://a.test")
						c.BeforeHead(func(h *tako.Head) { h.Header.Set("X-Hook", "1") })
						timeoutKey.Set(c, "outer")
					}))
				options := way.set(r, 5*time.Second)
				r.Post("/{id}", func(c *tako.Context) error {
					defer close(ended)
					c.OnDone(func(o tako.Outcome) { inside <- o })
					c.Header().Set("X-Inner", "1")
					c.Header().Set("Content-Type", "image/png")
					deadline, ok := c.Context().Deadline()
					if !ok || time.Until(deadline) != 5*time.Second {
						t.Errorf("got deadline %v, %v, want one in 5s", deadline, ok)
					}
					<-c.Context().Done()
					assert.Equal(t, context.Cause(c.Context()), tako.ErrTimeout, "cause")
					synctest.Wait() // the 503 is on its way, or beyond
					checkLate(t, c)
					checked = true
					return nil
				}, options...)
				s := takotest.New(t, r)
				start := time.Now()
				resp := s.Post("/42?q=1", takotest.Header("X-H", "h"))
				assert.Equal(t, time.Since(start), 5*time.Second, "time")
				assert.Equal(t, resp.Problem(503).Status, 503)
				resp.ExpectHeader("X-Request-Id", "id7").ExpectHeader("Access-Control-Allow-Origin", "https://a.test").ExpectHeader("X-Hook", "1")
				resp.ExpectHeader("X-Inner", "")
				<-ended
				assert.Equal(t, checked, true, "the late handler came to its end")
				o := <-done
				assert.ErrorIs(t, o.Err, tako.ErrTimeout)
				assert.Equal(t, o.Status, 503)
				if o = <-inside; o.Status != 503 || o.Pattern != "/{id}" {
					t.Errorf("got outcome %+v inside, want status 503 of /{id}", o)
				}
			})
		})
	}
}

// checkLate does everything that a handler may do after its timeout.
func checkLate(t *testing.T, c *tako.Context) {
	t.Helper()
	assert.Equal(t, c.Param("id")+c.Query("q")+c.RequestHeader("x-h")+c.Method()+c.Path()+c.Pattern(), "421hPOST/42/{id}")
	id, _ := timeoutKey.Get(c)
	assert.Equal(t, id+middleware.RequestIDOf(c)+c.Host()+c.Scheme(), "outerid7app.testhttp")
	if c.ConnInfo() == nil || !c.ClientIP().IsValid() {
		t.Errorf("got connection %v, client %v, want both", c.ConnInfo(), c.ClientIP())
	}
	_, writeErr := c.Write([]byte("x"))
	_, stringErr := c.WriteString("x")
	_, bufsErr := c.WriteBuffers(net.Buffers{[]byte("x")})
	_, fromErr := c.ReadFrom(strings.NewReader("x"))
	_, _, hijackErr := c.Hijack()
	for name, err := range map[string]error{
		"Write": writeErr, "WriteString": stringErr, "WriteBuffers": bufsErr, "ReadFrom": fromErr, "Hijack": hijackErr,
		"Flush": c.Flush(), "EarlyHints": c.EarlyHints("</a>"), "SetWriteDeadline": c.SetWriteDeadline(time.Time{}),
		"SetReadDeadline": c.SetReadDeadline(time.Time{}), "EnableFullDuplex": c.EnableFullDuplex(),
	} {
		if !errors.Is(err, tako.ErrTimeout) && !(errors.Is(err, tako.ErrHeadSent) && (name == "Hijack" || name == "EarlyHints")) {
			t.Errorf("late %s: got %v, want ErrTimeout", name, err)
		}
	}
	c.Header().Set("X-Late", "1")
	c.Trailer().Set("X-Late", "1")
	timeoutKey.Set(c, "late")
}

func TestLateResponses(t *testing.T) {
	t.Parallel()
	for name, respond := range map[string]func(c *tako.Context) error{
		"text":   func(c *tako.Context) error { return c.Text(200, "x") },
		"json":   func(c *tako.Context) error { return c.JSON(200, "x") },
		"head":   func(c *tako.Context) error { return c.WriteHead(200) },
		"stream": func(c *tako.Context) error { return c.Stream(200, "a/b", strings.NewReader("x")) },
		"file":   func(c *tako.Context) error { return c.File("go.mod") },
		"none":   (*tako.Context).NoContent,
		"error":  func(c *tako.Context) error { return tako.RenderError(c, errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := make(chan error, 1)
				r := tako.New()
				r.Get("/", func(c *tako.Context) error {
					<-c.Context().Done()
					synctest.Wait()
					err := respond(c)
					got <- err
					return err
				}, tako.Timeout(time.Second))
				s := takotest.New(t, r)
				s.Get("/").Problem(503)
				assert.ErrorIs(t, <-got, tako.ErrTimeout)
			})
		})
	}
}

func TestTimeoutLeavesStreamsAlone(t *testing.T) {
	t.Parallel()
	for _, way := range timeouts {
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tako.New()
				options := way.set(r, time.Second)
				r.Get("/", func(c *tako.Context) error {
					if err := errors.Join(writes("a")(c), c.Flush()); err != nil {
						return err
					}
					select {
					case <-c.Context().Done():
						return c.Context().Err()
					case <-time.After(time.Minute):
					}
					c.Trailer().Set("X-T", "t")
					return errors.Join(writes("b")(c), ignore(c.ReadFrom(strings.NewReader("c"))))
				}, options...)
				s := takotest.New(t, r)
				resp := s.Get("/").Expect(200).ExpectText("abc")
				assert.Equal(t, resp.Trailer.Get("X-T"), "t")
			})
		})
	}
}

func TestTimeoutJoinsWhatRanInside(t *testing.T) {
	t.Parallel()
	recordLogs()
	type user struct{ name string }
	for _, way := range timeouts {
		for _, tt := range []struct {
			name    string
			handler tako.Handler
			status  int
		}{
			{"complete", text("x"), 200},
			{"nothing", func(*tako.Context) error { return nil }, 200},
			{"error", func(*tako.Context) error { return tako.Conflict("x") }, 409},
			{"panic", func(*tako.Context) error { panic(errBoom) }, 500},
			{"empty", (*tako.Context).NoContent, 204},
		} {
			t.Run(way.name+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				var j journal
				calls := 0
				r := tako.New()
				tako.Provide(r, func(context.Context, struct{}) (user, error) { calls++; return user{"ann"}, nil })
				r.Use(around(func(c *tako.Context) {
					c.OnDone(func(o tako.Outcome) {
						v, _ := timeoutKey.Get(c)
						u, err := tako.Provided[user](c)
						assert.NoError(t, err)
						j.add("outer:" + v + ":" + u.name)
						assert.Equal(t, o.Status, tt.status)
					})
				}))
				options := way.set(r, time.Hour)
				r.Get("/joins", tt.handler, append(options, tako.With(around(func(c *tako.Context) {
					timeoutKey.Set(c, "inner")
					_, _ = tako.Provided[user](c)
					c.Header().Set("X-Inner", "1")
					c.BeforeHead(func(h *tako.Head) { h.Header.Set("X-Hook", "1") })
					c.OnDone(func(o tako.Outcome) { assert.Equal(t, o.Status, tt.status, "inside"); j.add("inner") })
				})))...)
				takotest.New(t, r).Get("/joins").Expect(tt.status).ExpectHeader("X-Inner", "1").ExpectHeader("X-Hook", "1")
				assert.Equal(t, j.String(), "inner outer:inner:ann")
				assert.Equal(t, calls, 1, "provider calls")
			})
		}
	}
}

func TestTimeoutOptOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(c *tako.Context) error {
			if _, ok := c.Context().Deadline(); ok {
				t.Error("got a deadline, want none")
			}
			<-time.After(time.Hour)
			return c.Text(200, "slow")
		}
		r := tako.New()
		r.Timeout(time.Second)
		g := r.Group("/g")
		g.Timeout(0)
		g.Get("/a", slow)
		r.Get("/b", slow, tako.Timeout(0))
		f := r.Group("/f", middleware.TimeoutFunc(func(c *tako.Context) time.Duration {
			if c.Query("slow") == "1" {
				return 0
			}
			return time.Second
		}))
		f.Get("/c", func(c *tako.Context) error { <-time.After(time.Hour); return c.Text(200, "slow") }, tako.Timeout(0))
		s := takotest.New(t, r)
		for _, path := range []string{"/g/a", "/b", "/f/c?slow=1"} {
			s.Get(path).Expect(200).ExpectText("slow")
		}
		s.Get("/f/c").Problem(503)
		<-time.After(time.Hour)
	})
}

func TestLatePanicIsLogged(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, way := range timeouts {
		path := "/late-panic-" + strings.ReplaceAll(way.name, " ", "-")
		t.Run(way.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := tako.New()
				options := way.set(r, time.Second)
				r.Get(path, func(c *tako.Context) error {
					<-time.After(time.Minute)
					panic(errBoom)
				}, options...)
				s := takotest.New(t, r)
				s.Get(path).Problem(503)
				<-time.After(time.Hour)
				assert.Equal(t, stacks(path), 1, "stacks")
			})
		})
	}
}

func TestLateBodyReads(t *testing.T) {
	t.Parallel()
	for _, way := range timeouts {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			release, got := make(chan struct{}), make(chan string, 1)
			r := tako.New()
			options := way.set(r, time.Second)
			r.Post("/{id}", func(c *tako.Context) error {
				answer := "panic"
				defer func() { got <- answer }()
				first := make([]byte, 1)
				_, _ = io.ReadFull(c.Body(), first)
				<-release
				_, _ = io.Copy(io.Discard, c.Body())
				var fields []string
				for name, value := range c.RequestHeaders() {
					if strings.HasPrefix(name, "X-") {
						fields = append(fields, name+value)
					}
				}
				answer = string(first) + c.RequestHeader("X-Who") + c.Param("id") + strings.Join(fields, "") + c.Target() + c.ClientIP().String()
				return nil
			}, options...)
			r.Get("/other", text("x"))
			s := takotest.Serve(t, r)
			s.Post("/1", takotest.Body("text/plain", "body"), takotest.Header("X-Who", "a")).Problem(503)
			for range 20 {
				s.Get("/other", takotest.Header("X-Who", "b")).Expect(200)
			}
			close(release)
			assert.Equal(t, <-got, "ba1X-Whoa/1127.0.0.1")
		})
	}
}

// The log of the request and its late handler may ask who the client is at the same time.
func TestLateHandlerBesideOnDone(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	r := tako.New()
	r.Use(around(func(c *tako.Context) {
		c.OnDone(func(tako.Outcome) { _ = c.ClientIP(); _ = c.ConnInfo(); _ = c.Host() })
	}))
	r.Get("/", func(c *tako.Context) error {
		defer close(ended)
		<-c.Context().Done()
		_, _, _ = c.ClientIP(), c.ConnInfo(), c.Scheme()
		return nil
	}, tako.Timeout(time.Millisecond))
	for _, s := range []*takotest.Server{takotest.New(t, r)} {
		s.Get("/").Problem(503)
		<-ended
	}
}

func TestTypedHandlerTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type in struct {
			ID   int `path:"id"`
			Body struct{ Name string }
		}
		late := make(chan string, 1)
		r := tako.New()
		tako.Put(r, "/{id}", func(ctx context.Context, in in) (tako.Created[string], error) {
			<-ctx.Done()
			late <- in.Body.Name + context.Cause(ctx).Error()
			return tako.Created[string]{Location: "/x", Body: "late"}, nil
		}, tako.Timeout(time.Second))
		s := takotest.New(t, r)
		s.Put("/1", takotest.JSON(map[string]string{"name": "a"})).Problem(503)
		assert.Equal(t, <-late, "a"+tako.ErrTimeout.Error())
	})
}
