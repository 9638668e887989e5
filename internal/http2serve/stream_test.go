package http2serve_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// eachClass runs a test for handlers on the leader and for others.
func eachClass(t *testing.T, targets []target, run func(t *testing.T, k target, where tako.Option)) {
	t.Helper()
	var wg sync.WaitGroup
	for name, where := range map[string]tako.Option{"inline": tako.Inline(), "far": tako.Blocking()} {
		wg.Go(func() {
			t.Run(name, func(t *testing.T) {
				over(t, targets, func(t *testing.T, k target) { run(t, k, where) })
			})
		})
	}
	wg.Wait()
}

// What was flushed arrives while the handler goes on, behind early hints and before trailers.
func TestStreaming(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		step := make(chan struct{})
		app := tako.New()
		app.Get("/", func(c *tako.Context) error {
			if err := c.EarlyHints("</a.css>; rel=preload"); err != nil {
				return err
			}
			<-step
			c.Header().Set("X-First", "1")
			if err := c.WriteHead(http.StatusAccepted); err != nil {
				return err
			}
			for i := range 3 {
				if err := c.Flush(); err != nil {
					return err
				}
				<-step
				_, _ = fmt.Fprintf(c, "part %d\n", i)
			}
			c.Trailer().Set("X-Last", "yes")
			return nil
		}, where)
		s := k.serve(t, app, config{})
		hints := make(chan string, 1)
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints <- fmt.Sprint(code, " ", h.Get("Link"))
			return nil
		}})
		req := request(t, "GET", s.url("/"), nil).WithContext(ctx)
		got := make(chan *http.Response, 1)
		c := s.client(t)
		go func() {
			resp, err := c.Do(req)
			if err != nil {
				t.Error(err)
			}
			got <- resp
		}()
		assert.Equal(t, await(t, "early hints", hints), "103 </a.css>; rel=preload")
		step <- struct{}{}
		resp := await(t, "head", got)
		defer resp.Body.Close()
		assert.Equal(t, resp.StatusCode, http.StatusAccepted)
		assert.Equal(t, resp.Header.Get("X-First"), "1")
		assert.Equal(t, resp.ContentLength, int64(-1))
		buf := make([]byte, 7)
		for i := range 3 {
			step <- struct{}{}
			_, err := io.ReadFull(resp.Body, buf)
			assert.NoError(t, err)
			assert.Equal(t, string(buf), fmt.Sprintf("part %d\n", i))
		}
		_, err := resp.Body.Read(buf)
		assert.ErrorIs(t, err, io.EOF)
		assert.Equal(t, resp.Trailer.Get("X-Last"), "yes")
	})
}

// 100 (Continue) is sent when the handler reads, and not when it does not.
func TestContinue(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		app := tako.New()
		app.Post("/read", func(c *tako.Context) error {
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			return c.Text(http.StatusOK, string(body))
		}, where)
		app.Post("/refuse", func(c *tako.Context) error { return c.Text(http.StatusForbidden, "no") }, where)
		s := k.serve(t, app, config{})
		c := s.framed(t).settled()
		c.head(1, false, "POST", "/read", "expect", "100-continue")
		c.head(3, false, "POST", "/refuse", "expect", "100-continue")
		c.until("100", func() bool { return c.on(1).status() == 100 })
		c.data(1, true, "body")
		assert.Equal(t, string(c.answered(200, 1).body), "body")
		assert.Equal(t, fmt.Sprint(c.on(1).statuses), "[100 200]")
		c.answered(403, 3)
		assert.Equal(t, fmt.Sprint(c.on(3).statuses), "[403]")
		got, err := ask(s.client(t), func() *http.Request {
			req := request(t, "POST", s.url("/read"), strings.NewReader("text"))
			req.Header.Set("Expect", "100-continue")
			return req
		}())
		assert.NoError(t, err)
		assert.Equal(t, got.body, "text")
	})
}

// Trailers of requests can be read behind the body, and only there.
func TestRequestTrailers(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		app := tako.New()
		app.Post("/", func(c *tako.Context) error {
			trailers := func() (all []string) {
				for name, value := range c.RequestTrailers() {
					all = append(all, name+"="+value)
				}
				return all
			}
			before := trailers()
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			return c.Text(http.StatusOK, fmt.Sprint(string(body), before, trailers()))
		})
		s := k.serve(t, app, config{})
		req := request(t, "POST", s.url("/"), io.MultiReader(strings.NewReader("abc")))
		req.Trailer = http.Header{"X-Sum": {"7"}}
		got, err := ask(s.client(t), req)
		assert.NoError(t, err)
		assert.Equal(t, got.body, "abc[] [X-Sum=7]")
	})
}

// A client that does not take its response is let down after the write timeout; the others
// on its connection go on.
func TestWriteTimeout(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		ended := make(chan error, 1)
		app := tako.New()
		app.Get("/large", func(c *tako.Context) error {
			_, err := c.Write(make([]byte, 1<<20))
			ended <- err
			return err
		})
		app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") })
		s := k.serve(t, app, config{limits: tako.Limits{WriteTimeout: soon}})
		c := s.framed(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}).settled()
		c.get(1, "/large")
		id := uint32(3)
		for ; !c.on(1).over(); id += 2 {
			c.get(id, "/")
			c.answered(200, id)
			pass(t, soon/50)
		}
		assert.Equal(t, c.on(1).code(), int(http2.ErrCodeCancel), "code")
		if await(t, "the handler", ended) == nil {
			t.Error("the handler got no error")
		}
		c.get(id, "/")
		c.answered(200, id)
		assert.Eventually(t, patience, "it is counted", func() bool { return s.counts().timedOut == 1 })
	})
}

// A client that reads nothing from its socket is cut off as a whole.
func TestWriteTimeoutOfSocket(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		ended := make(chan error, 1)
		app := tako.New()
		app.Get("/large", func(c *tako.Context) error {
			piece := make([]byte, 1<<20)
			for {
				if _, err := c.Write(piece); err != nil {
					ended <- context.Cause(c.Context())
					return err
				}
			}
		})
		s := k.serve(t, app, config{limits: tako.Limits{WriteTimeout: soon}})
		c := s.framed(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1}).settled()
		assert.NoError(t, c.fr.WriteWindowUpdate(0, 1<<31-1-65535))
		c.get(1, "/large")
		if await(t, "the handler", ended) == nil {
			t.Error("the context of the handler has not ended")
		}
		assert.Eventually(t, patience, "the connection to be closed", func() bool { return s.counts().conns == 0 })
		assert.Eventually(t, patience, "it is counted", func() bool { return s.counts().timedOut >= 1 })
	})
}

// Handlers may set deadlines of their own for each stream.
func TestDeadlines(t *testing.T) {
	eachClass(t, allTargets, func(t *testing.T, k target, where tako.Option) {
		app := tako.New()
		app.Post("/read", func(c *tako.Context) error {
			if err := c.SetReadDeadline(time.Now().Add(soon)); err != nil {
				return err
			}
			_, err := c.Body().Read(make([]byte, 10))
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("read: got %v", err)
			}
			return c.Text(http.StatusOK, "late")
		}, where)
		app.Get("/write", func(c *tako.Context) error {
			if err := c.SetWriteDeadline(time.Now().Add(soon)); err != nil {
				return err
			}
			_, err := c.Write(make([]byte, 1<<20))
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("write: got %v", err)
			}
			return err
		}, where)
		app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, where)
		s := k.serve(t, app, config{})
		c := s.framed(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100}).settled()
		c.head(1, false, "POST", "/read")
		c.get(3, "/write")
		c.get(5, "/")
		c.answered(200, 5)
		c.until("the reset of the writer", c.on(3).over)
		if c.on(3).reset == nil {
			t.Error("the response that was broken off looks complete")
		}
		assert.Equal(t, string(c.answered(200, 1).body), "late")
	})
}
