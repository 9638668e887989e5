package middleware_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

// gzipped is compression as an application could write it.
func gzipped(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.BeforeHead(func(h *tako.Head) {
			kind := h.Header.Get("Content-Type")
			if h.Status == 204 || h.Status == 304 || h.Header.Has("Content-Encoding") || !strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "json") {
				return
			}
			h.Header.AddVary("Accept-Encoding")
			if c.RequestHeader("Accept-Encoding") != "gzip" {
				return
			}
			h.Header.Set("Content-Encoding", "gzip")
			if tag := h.Header.Get("Etag"); tag != "" && !strings.HasPrefix(tag, "W/") {
				h.Header.Set("Etag", "W/"+tag)
			}
			h.Length = -1
			c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &gzipWriter{gzip.NewWriter(next), next} })
		})
		return next(c)
	}
}

type gzipWriter struct {
	zw   *gzip.Writer
	next tako.BodyWriter
}

func (g *gzipWriter) Write(p []byte) (int, error) { return g.zw.Write(p) }

func (g *gzipWriter) Flush() error {
	if err := g.zw.Flush(); err != nil {
		return err
	}
	return g.next.Flush()
}

func (g *gzipWriter) Close(err error) error {
	if err == nil {
		err = g.zw.Close()
	}
	return g.next.Close(err)
}

type entry struct {
	status int
	header *tako.Header
	body   []byte
}

// cached keeps whole 200 responses by path and coding.
func cached() tako.Middleware {
	var mu sync.Mutex
	entries := map[string]entry{}
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			key := c.Method() + c.Path() + c.RequestHeader("Accept-Encoding") + c.RequestHeader("If-None-Match")
			mu.Lock()
			e, ok := entries[key]
			mu.Unlock()
			if ok {
				for name, value := range e.header.All() {
					c.Header().Add(name, value)
				}
				return c.Bytes(e.status, "", e.body)
			}
			c.Hold(1<<16, func(h *tako.Head, body []byte) error {
				if h.Status == 200 && c.Method() == "GET" {
					mu.Lock()
					defer mu.Unlock()
					entries[key] = entry{h.Status, h.Header.Clone(), append([]byte(nil), body...)}
				}
				return nil
			})
			return next(c)
		}
	}
}

// orders yields every order of the list.
func orders(list []string) [][]string {
	if len(list) == 1 {
		return [][]string{list}
	}
	var all [][]string
	for i := range list {
		rest := append(append([]string(nil), list[:i]...), list[i+1:]...)
		for _, tail := range orders(rest) {
			all = append(all, append([]string{list[i]}, tail...))
		}
	}
	return all
}

const body = "hello, hello, hello, hello, hello, hello, hello, hello, hello, hello"

func stackApp(t *testing.T, order []string, log chan<- tako.Outcome) *tako.Router {
	t.Helper()
	known := map[string]tako.Middleware{"gzip": gzipped, "etag": middleware.ETag(), "cache": cached(), "recover": middleware.Recover(), "timeout": middleware.Timeout(time.Hour),
		"security": middleware.SecurityHeaders(), "std": tako.Std(func(next http.Handler) http.Handler { return next })}
	r := tako.New()
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.OnDone(func(o tako.Outcome) { log <- o })
			return next(c)
		}
	})
	for _, name := range order {
		r.Use(known[name])
	}
	r.Get("/text", text(body))
	r.Get("/br", func(c *tako.Context) error { c.Header().Set("Content-Encoding", "br"); return c.Text(200, body) })
	r.Get("/image", func(c *tako.Context) error { return c.Bytes(200, "image/png", []byte(body)) })
	r.Get("/none", (*tako.Context).NoContent)
	r.Get("/taken", func(*tako.Context) error { return tako.Conflict("taken") })
	r.Get("/held", func(c *tako.Context) error { return errors.Join(c.Text(200, body), tako.Conflict("taken")) })
	r.Get("/panic", func(c *tako.Context) error { c.Header().Set("Cache-Control", "max-age=9"); panic(errBoom) })
	r.Get("/stream", func(c *tako.Context) error {
		c.Header().Set("Content-Type", "text/plain")
		if err := c.EnableFullDuplex(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		_, err := c.WriteString("one")
		if err = errors.Join(err, c.Flush()); err != nil {
			return err
		}
		if c.Query("cut") != "" {
			return errBoom
		}
		if c.Query("panic") != "" {
			panic(errBoom)
		}
		if _, err = io.ReadAll(c.Body()); err != nil {
			return err
		}
		_, err = c.WriteString("two")
		return err
	})
	return r
}

func plain(t *testing.T, about string, r *takotest.Response) string {
	t.Helper()
	if r.Header.Get("Content-Encoding") != "gzip" {
		return r.Text
	}
	zr, err := gzip.NewReader(strings.NewReader(r.Text))
	if err != nil {
		t.Errorf("%s: got %v", about, err)
		return ""
	}
	got, err := io.ReadAll(zr)
	if err != nil {
		t.Errorf("%s: got %v", about, err)
	}
	return string(got)
}

func TestStacks(t *testing.T) {
	t.Parallel()
	stacks := orders([]string{"gzip", "etag", "cache"})
	for _, extra := range []string{"timeout", "std", "recover", "security"} {
		stacks = append(stacks, orders([]string{"gzip", "etag", extra})...)
	}
	for _, order := range stacks {
		for kind, serve := range map[string]func(testing.TB, tako.App) *takotest.Server{"memory": takotest.New, "socket": takotest.Serve} {
			t.Run(strings.Join(order, " ")+" "+kind, func(t *testing.T) {
				t.Parallel()
				log := make(chan tako.Outcome, 10)
				checkStack(t, serve(t, stackApp(t, order, log)), log)
			})
		}
	}
}

func checkStack(t *testing.T, s *takotest.Server, log <-chan tako.Outcome) {
	t.Helper()
	zip := takotest.Header("Accept-Encoding", "gzip")
	for _, tt := range []struct {
		method, path string
		zip          bool
		status       int
		coding, text string
	}{
		{"GET", "/text", true, 200, "gzip", body}, {"GET", "/text", false, 200, "", body}, {"GET", "/text", true, 200, "gzip", body},
		{"HEAD", "/text", true, 200, "gzip", ""}, {"HEAD", "/text", false, 200, "", ""},
		{"GET", "/br", true, 200, "br", body}, {"GET", "/image", true, 200, "", body}, {"GET", "/none", true, 204, "", ""},
		{"GET", "/taken", false, 409, "", `{"detail":"taken","status":409,"title":"Conflict"}`},
		{"GET", "/taken", true, 409, "gzip", `{"detail":"taken","status":409,"title":"Conflict"}`},
		{"GET", "/held", true, 409, "gzip", `{"detail":"taken","status":409,"title":"Conflict"}`},
		{"GET", "/held", false, 409, "", `{"detail":"taken","status":409,"title":"Conflict"}`},
		{"GET", "/panic", true, 500, "gzip", `{"status":500,"title":"Internal Server Error"}`},
		{"GET", "/nothing", true, 404, "gzip", `{"status":404,"title":"Not Found"}`},
	} {
		edits := []takotest.Edit{zip}
		if !tt.zip {
			edits = nil
		}
		if tt.path == "/held" && strings.Contains(t.Name(), "std") {
			continue // what went through a writer of net/http cannot be taken back
		}
		about := fmt.Sprint(tt.method, " ", tt.path, " ", tt.zip)
		resp := s.Do(tt.method, tt.path, edits...)
		o := <-log
		if got := resp.Header.Get("Content-Encoding"); resp.StatusCode != tt.status || resp.Broken != nil || got != tt.coding {
			t.Errorf("%s: got %d, coding %q, broken %v, want %d, %q", about, resp.StatusCode, got, resp.Broken, tt.status, tt.coding)
			continue
		}
		if tt.method == "GET" {
			assert.Equal(t, plain(t, about, resp), tt.text, about)
		} else {
			assert.Equal(t, resp.Text, "", about)
		}
		if o.Status != tt.status || o.Sent != int64(len(resp.Text)) || o.Aborted {
			t.Errorf("%s: got outcome %+v, want status %d and %d sent", about, o, tt.status, len(resp.Text))
		}
		if vary := strings.Join(resp.Header.Values("Vary"), ", "); tt.coding == "gzip" && strings.Count(vary, "Accept-Encoding") != 1 {
			t.Errorf("%s: got Vary %q, want Accept-Encoding once", about, vary)
		}
		if tag := resp.Header.Get("Etag"); tag == "" && tt.method == "HEAD" && tt.zip {
			continue // what only the coded body would tell may be left out
		} else if (tag != "") != (tt.status == 200) {
			t.Errorf("%s: got tag %q with %d", about, tag, tt.status)
		} else if tag != "" {
			again := s.Do(tt.method, tt.path, append(edits, takotest.Header("If-None-Match", tag))...)
			o = <-log
			if again.StatusCode != 304 || again.Text != "" || again.Header.Get("Content-Encoding") != "" || again.Header.Get("Etag") == "" || o.Status != 304 || o.Sent != 0 {
				t.Errorf("%s: got %d %v, outcome %+v, want an empty 304 with its tag", about, again.StatusCode, again.Header, o)
			}
		}
	}
	checkStackStreams(t, s, log)
}

func checkStackStreams(t *testing.T, s *takotest.Server, log <-chan tako.Outcome) {
	t.Helper()
	zip := takotest.Header("Accept-Encoding", "gzip")
	pr, pw := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/stream", pr)
	assert.NoError(t, err)
	req.Header.Set("Accept-Encoding", "gzip")
	resp, err := s.Client.Do(req)
	assert.NoError(t, err)
	zr, err := gzip.NewReader(resp.Body)
	assert.NoError(t, err)
	got := make([]byte, 3)
	_, err = io.ReadFull(zr, got)
	assert.NoError(t, err)
	_ = pw.Close()
	rest, err := io.ReadAll(zr)
	_ = resp.Body.Close()
	assert.Equal(t, string(got)+string(rest), "onetwo")
	assert.NoError(t, err)
	if o := <-log; resp.Header.Get("Etag") != "" || o.Aborted || o.Status != 200 || o.Written != 6 {
		t.Errorf("got tag %q, outcome %+v, want none and 6 written", resp.Header.Get("Etag"), o)
	}
	for _, path := range []string{"/stream?cut=1", "/stream?panic=1"} {
		for _, edits := range [][]takotest.Edit{nil, {zip}} {
			resp := s.Get(path, edits...)
			o := <-log
			if resp.Broken == nil || !o.Aborted || !errors.Is(o.Err, errBoom) {
				t.Errorf("%s: got broken %v, outcome %+v, want it visibly cut by its error", path, resp.Broken, o)
			}
			if edits != nil {
				zr, err := gzip.NewReader(strings.NewReader(resp.Text))
				if err == nil {
					_, err = io.ReadAll(zr)
				}
				if err == nil {
					t.Errorf("%s: got a gzip stream with a valid end, want it cut", path)
				}
			}
		}
	}
}
