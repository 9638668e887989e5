package tako_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

type ctxKey struct{}

func TestStringsStayValid(t *testing.T) {
	t.Parallel()
	type kept struct{ got, want string }
	type in struct {
		ID   string   `path:"id"`
		Q    string   `query:"q"`
		L    []string `query:"l"`
		H    string   `header:"X-H"`
		C    string   `cookie:"c"`
		Body struct{ S string }
	}
	overBoth(t, func() *tako.Router {
		var all []kept
		r := tako.New()
		tako.Post(r, "/typed/{id}", func(_ context.Context, in in) (struct{}, error) {
			n := strings.Clone(in.ID)
			all = append(all, kept{in.ID + in.Q + in.L[0] + in.H + in.C + in.Body.S, n + n + n + n + n + n})
			all = append(all, kept{in.ID, n}, kept{in.Q, n}, kept{in.L[0], n}, kept{in.H, n}, kept{in.C, n}, kept{in.Body.S, n})
			return struct{}{}, nil
		})
		r.Post("/raw/{id}", func(c *tako.Context) error {
			n := strings.Clone(c.Param("id"))
			cookie, _ := c.Cookie("c")
			for _, s := range []string{c.Param("id"), c.RawParam("id"), c.Query("q"), c.RequestHeader("X-H"), cookie, c.RequestHeaderValues("x-h")[0]} {
				all = append(all, kept{s, n})
			}
			all = append(all, kept{c.Path(), "/raw/" + n}, kept{c.Target(), "/raw/" + n + "?q=" + n + "&l=" + n}, kept{c.RawQuery(), "q=" + n + "&l=" + n}, kept{c.Method(), "POST"})
			body, err := c.ReadBody()
			all = append(all, kept{string(body), `{"S":"` + n + `"}`})
			return err
		})
		r.Get("/check", func(c *tako.Context) error {
			if len(all) != 50*18 {
				t.Errorf("got %d strings, want %d", len(all), 50*18)
			}
			for _, k := range all {
				if k.got != k.want {
					return tako.Conflict("got %q, want %q", k.got, k.want)
				}
			}
			return nil
		})
		return r
	}, func(t *testing.T, s *takotest.Server) {
		for i := range 50 {
			n := fmt.Sprintf("v%05d", i)
			for _, path := range []string{"/typed/", "/raw/"} {
				resp := s.Post(path+n+"?q="+n+"&l="+n, takotest.Header("X-H", n), takotest.Cookie("c", n), takotest.Body("application/json", `{"S":"`+n+`"}`))
				if resp.StatusCode >= 400 {
					t.Fatal(resp.Text)
				}
			}
		}
		s.Get("/check").Expect(200)
	})
}

func TestContextIsOverAfterItsHandler(t *testing.T) {
	t.Parallel()
	key := tako.NewKey[int]("k")
	uses := map[string]func(c *tako.Context){
		"Method": func(c *tako.Context) { c.Method() }, "Target": func(c *tako.Context) { c.Target() }, "Path": func(c *tako.Context) { c.Path() },
		"RawQuery": func(c *tako.Context) { c.RawQuery() }, "Protocol": func(c *tako.Context) { c.Protocol() }, "Param": func(c *tako.Context) { c.Param("x") },
		"RawParam": func(c *tako.Context) { c.RawParam("x") }, "Query": func(c *tako.Context) { c.Query("x") }, "QueryValues": func(c *tako.Context) { _, _ = c.QueryValues() },
		"RequestHeader": func(c *tako.Context) { c.RequestHeader("x") }, "RequestHeaderValues": func(c *tako.Context) { c.RequestHeaderValues("x") },
		"RequestHeaders": func(c *tako.Context) { c.RequestHeaders() }, "RequestTrailers": func(c *tako.Context) { c.RequestTrailers() },
		"ContentLength": func(c *tako.Context) { c.ContentLength() }, "ConnInfo": func(c *tako.Context) { c.ConnInfo() }, "Draining": func(c *tako.Context) { c.Draining() },
		"Context": func(c *tako.Context) { c.Context() }, "SetContext": func(c *tako.Context) { c.SetContext(context.Background()) }, "Route": func(c *tako.Context) { c.Route() },
		"Pattern": func(c *tako.Context) { c.Pattern() }, "Body": func(c *tako.Context) { c.Body() }, "ReadBody": func(c *tako.Context) { _, _ = c.ReadBody() },
		"Cookie": func(c *tako.Context) { _, _ = c.Cookie("x") }, "Cookies": func(c *tako.Context) { c.Cookies() }, "ClientIP": func(c *tako.Context) { c.ClientIP() },
		"Host": func(c *tako.Context) { c.Host() }, "Scheme": func(c *tako.Context) { c.Scheme() }, "Accepts": func(c *tako.Context) { c.Accepts("a/b") },
		"Header": func(c *tako.Context) { c.Header() }, "HeadSent": func(c *tako.Context) { c.HeadSent() }, "WriteHead": func(c *tako.Context) { _ = c.WriteHead(200) },
		"Write": func(c *tako.Context) { _, _ = c.Write(nil) }, "WriteString": func(c *tako.Context) { _, _ = c.WriteString("") }, "WriteBuffers": func(c *tako.Context) { _, _ = c.WriteBuffers(net.Buffers{}) },
		"ReadFrom": func(c *tako.Context) { _, _ = c.ReadFrom(strings.NewReader("")) }, "Flush": func(c *tako.Context) { _ = c.Flush() }, "Trailer": func(c *tako.Context) { c.Trailer() },
		"EarlyHints": func(c *tako.Context) { _ = c.EarlyHints() }, "Text": func(c *tako.Context) { _ = c.Text(200, "") }, "Bytes": func(c *tako.Context) { _ = c.Bytes(200, "", nil) },
		"JSON": func(c *tako.Context) { _ = c.JSON(200, 1) }, "Encode": func(c *tako.Context) { _ = c.Encode(200, 1) }, "HTML": func(c *tako.Context) { _ = c.HTML(200, noTemplate{}, 1) },
		"NoContent": func(c *tako.Context) { _ = c.NoContent() }, "Redirect": func(c *tako.Context) { _ = c.Redirect(302, "/") }, "LocalRedirect": func(c *tako.Context) { _ = c.LocalRedirect(302, "/") },
		"Stream": func(c *tako.Context) { _ = c.Stream(200, "", strings.NewReader("")) }, "File": func(c *tako.Context) { _ = c.File("go.mod") }, "Attachment": func(c *tako.Context) { _ = c.Attachment("go.mod", "x") },
		"BeforeHead": func(c *tako.Context) { c.BeforeHead(nil) }, "WrapBody": func(c *tako.Context) { c.WrapBody(nil) }, "Hold": func(c *tako.Context) { c.Hold(1, nil) }, "OnDone": func(c *tako.Context) { c.OnDone(nil) },
		"Hijack": func(c *tako.Context) { _, _, _ = c.Hijack() }, "SetCookie": func(c *tako.Context) { _ = c.SetCookie(nil) }, "LimitBody": func(c *tako.Context) { _ = c.LimitBody(1) },
		"RunTimeout": func(c *tako.Context) { _ = c.RunTimeout(0, text("x")) }, "Key.Get": func(c *tako.Context) { key.Get(c) }, "Key.Set": func(c *tako.Context) { key.Set(c, 1) },
		"Provided": func(c *tako.Context) { _, _ = tako.Provided[int](c) }, "RenderError": func(c *tako.Context) { _ = tako.RenderError(c, errBoom) },
	}
	for _, way := range passes {
		var stale *tako.Context
		r := tako.New()
		r.Use(way.mw())
		r.Get("/", func(c *tako.Context) error { stale = c; return c.Text(200, "x") })
		s := takotest.New(t, r)
		s.Get("/").Expect(200)
		for name, use := range uses {
			func() {
				defer func() {
					if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "Context used after its handler returned") {
						t.Errorf("%s %s: got panic %v, want one that says what is wrong", way.name, name, v)
					}
				}()
				use(stale)
			}()
		}
	}
}

type noTemplate struct{}

func (noTemplate) Execute(io.Writer, any) error { return nil }

func TestRequestContextOutlivesTheHandler(t *testing.T) {
	t.Parallel()
	for _, way := range passes {
		overBoth(t, func() *tako.Router {
			var kept context.Context
			r := tako.New()
			r.Use(around(func(c *tako.Context) { c.SetContext(context.WithValue(c.Context(), ctxKey{}, "value")) }), way.mw())
			r.Get("/", func(c *tako.Context) error {
				kept = c.Context()
				if kept.Err() != nil || kept != c.Context() {
					t.Error("got another or an ended context, want the same one alive")
				}
				return c.Text(200, "x")
			})
			r.Get("/check", func(c *tako.Context) error {
				<-kept.Done()
				if v := kept.Value(ctxKey{}); v != "value" {
					return tako.Conflict("got value %v", v)
				}
				return nil
			})
			return r
		}, func(t *testing.T, s *takotest.Server) {
			s.Get("/").Expect(200)
			s.Get("/check").Expect(200)
		})
	}
}

func TestBodyAfterTheHandler(t *testing.T) {
	t.Parallel()
	var body io.Reader
	r := tako.New()
	r.Post("/", func(c *tako.Context) error { body = c.Body(); return nil })
	takotest.New(t, r).Post("/", takotest.Body("a/b", "secret")).Expect(200)
	defer func() {
		if v := recover(); v != nil && !strings.Contains(fmt.Sprint(v), "after its handler returned") {
			t.Errorf("got panic %v, want an error or a panic that says what is wrong", v)
		}
	}()
	if n, err := body.Read(make([]byte, 10)); n > 0 || err == nil {
		t.Errorf("got %d bytes, %v, want an error", n, err)
	}
}

func TestContextsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	key := tako.NewKey[string]("id")
	for _, way := range passes {
		r := tako.New()
		r.Use(around(func(c *tako.Context) {
			key.Set(c, c.Query("id"))
			c.BeforeHead(func(h *tako.Head) { h.Header.Set("X-Id", c.Query("id")) })
			if c.Query("id") == "7" {
				c.Trailer().Set("X-Seven", "1")
				staged(c, "s", new(journal))
			}
		}), way.mw())
		r.Get("/{id}", func(c *tako.Context) error {
			if c.Query("id") == "5" {
				return tako.Conflict("five")
			}
			v, _ := key.Get(c)
			return c.Text(200, v+c.Param("id"))
		})
		s := takotest.Serve(t, r)
		errs := make(chan error, 8)
		for i := range 8 {
			go func() {
				id := fmt.Sprint(i)
				for range 50 {
					resp, err := s.Client.Get(s.URL + "/" + id + "?id=" + id)
					if err != nil {
						errs <- err
						return
					}
					body, err := io.ReadAll(resp.Body)
					want := id + id
					if i == 5 {
						want = `{"detail":"five","status":409,"title":"Conflict"}`
					}
					if err != nil || string(body) != want || resp.Header.Get("X-Id") != id || i != 7 && len(resp.Trailer) > 0 {
						errs <- fmt.Errorf("got %q %v %v %v, want %s", body, err, resp.Header, resp.Trailer, want)
						return
					}
				}
				errs <- nil
			}()
		}
		for range 8 {
			assert.NoError(t, <-errs, way.name)
		}
	}
}

// Elsewhere takotest makes every Context good for one request; this looks at those
// that are used again, in a process of its own.
func TestContextsAreUsedAgain(t *testing.T) {
	t.Parallel()
	if os.Getenv("TAKO_TEST_REUSE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestContextsAreUsedAgain$", "-test.v")
		cmd.Env = append(os.Environ(), "TAKO_TEST_REUSE=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestContextsAreUsedAgain") {
			t.Errorf("got %v:\n%s", err, out)
		}
		return
	}
	key := tako.NewKey[string]("id")
	for _, way := range append(passes, struct {
		name string
		mw   func() tako.Middleware
	}{"late", func() tako.Middleware {
		return func(next tako.Handler) tako.Handler {
			return middleware.Timeout(time.Hour)(middleware.TimeoutFunc(func(c *tako.Context) time.Duration {
				if c.Query("id") == "3" {
					return time.Microsecond
				}
				return time.Hour
			})(next))
		}
	}}) {
		var late sync.WaitGroup
		r := tako.New()
		r.Use(around(func(c *tako.Context) {
			id := c.Query("id")
			late.Add(1)
			key.Set(c, id)
			c.Header().Set("X-Id", id)
			if id == "1" {
				c.BeforeHead(func(h *tako.Head) { h.Header.Set("X-One", "1") })
				c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &twice{next} })
				c.Hold(100, func(h *tako.Head, _ []byte) error { h.Length = -1; return nil })
			}
		}), way.mw())
		r.Post("/{id}", func(c *tako.Context) error {
			defer late.Done()
			id := c.Query("id")
			if id == "3" {
				select {
				case <-c.Context().Done():
				case <-time.After(time.Millisecond):
				}
			}
			body, err := c.ReadBody()
			v, _ := key.Get(c)
			for name, got := range map[string]string{"param": c.Param("id"), "field": c.RequestHeader("X-Sent"), "key": v, "body": string(body), "path": c.Path()[1:]} {
				if got != id && (name != "body" || err == nil) {
					t.Errorf("%s: got %s %q of another request, want %q", way.name, name, got, id)
				}
			}
			switch id {
			case "2":
				return tako.Conflict("two")
			case "4":
				panic(http.ErrAbortHandler)
			case "5":
				c.Trailer().Set("X-Five", "1")
			}
			return c.Text(200, id)
		})
		srv := httptest.NewServer(r)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				id := fmt.Sprint(i)
				for range 100 {
					req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/"+id+"?id="+id, strings.NewReader(id))
					req.Header.Set("X-Sent", id)
					resp, err := srv.Client().Do(req)
					if err != nil {
						if i != 4 {
							t.Errorf("%s: got %v", way.name, err)
						}
						continue
					}
					body, _ := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					want := map[int]string{1: "11", 2: `{"detail":"two","status":409,"title":"Conflict"}`}[i]
					if want == "" {
						want = id
					}
					if string(body) != want && i != 3 || resp.Header.Get("X-Id") != id || (resp.Header.Get("X-One") != "") != (i == 1) || (len(resp.Trailer) > 0) != (i == 5) {
						t.Errorf("%s: got %d %q %v %v for %s, want %q", way.name, resp.StatusCode, body, resp.Header, resp.Trailer, id, want)
					}
				}
			})
		}
		all.Wait()
		late.Wait()
		srv.Close()
	}
}
