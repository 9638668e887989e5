package runtimetest

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// The probes of features that a request shows.

func showsREST(x *T) {
	type item struct {
		Name string `json:"name"`
	}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Post(app, "/items", func(_ context.Context, in tako.JSON[item]) (item, error) { return in.Value, nil })
	})
	if r := s.ask(request("POST", "/items", `{"name":"a"}`, "Content-Type: application/json"), 200); strings.TrimSpace(r.body) != `{"name":"a"}` {
		x.Errorf("got %q", r.body)
	}
}

// showsUpload reads the first part before the second is sent.
func showsUpload(x *T) {
	first := make(chan string, 1)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/up", func(c *tako.Context) error {
			part := make([]byte, 5)
			if _, err := io.ReadFull(c.Body(), part); err != nil {
				return err
			}
			first <- string(part)
			rest, err := io.ReadAll(c.Body())
			if err != nil {
				return err
			}
			return c.Text(200, string(rest))
		})
	})
	c := s.dial()
	c.send("POST /up HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\nfirst")
	waitFor(x, "the first part", first)
	c.send("other")
	if r := c.expect(200); r.body != "other" {
		x.Errorf("got %q", r.body)
	}
}

func showsStream(x *T) {
	more := make(chan struct{})
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/down", func(c *tako.Context) error {
			_, _ = c.WriteString("first")
			if err := c.Flush(); err != nil {
				return err
			}
			select {
			case <-more:
			case <-x.Context().Done():
			}
			_, err := c.WriteString("other")
			return err
		})
	})
	c := s.dial()
	c.send(request("GET", "/down", ""))
	head := c.begun()
	if !head.chunked {
		x.Fatal("the body has no chunks")
	}
	if part := c.chunk(); part != "first" {
		x.Fatalf("got %q before the handler has ended", part)
	}
	close(more)
	if part := c.chunk(); part != "other" {
		x.Errorf("got %q", part)
	}
}

// begun reads the head of a response.
func (c *client) begun() *response {
	c.x.Helper()
	_ = c.SetReadDeadline(time.Now().Add(c.x.patience))
	head, err := readHead(c.br)
	if err != nil || head.status != 200 && head.status != 101 {
		c.x.Fatalf("got %+v and %v", head, err)
	}
	return head
}

func showsTrailerIn(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/up", func(c *tako.Context) error {
			_, err := c.ReadBody()
			for name, value := range c.RequestTrailers() {
				_, _ = c.WriteString(name + "=" + value)
			}
			return err
		})
	})
	r := s.ask("POST /up HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: abc\r\n\r\n", 200)
	if r.body != "X-Sum=abc" {
		x.Errorf("got %q", r.body)
	}
}

func showsTrailerOut(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/sum", func(c *tako.Context) error {
			c.Header().Set("Trailer", "X-Sum")
			_, _ = c.WriteString("text")
			err := c.Flush()
			c.Trailer().Set("X-Sum", "abc")
			return err
		})
	})
	if r := s.get("/sum", 200, "TE: trailers"); len(r.trailer) != 1 || r.trailer[0].value != "abc" {
		x.Errorf("got trailer %v", r.trailer)
	}
}

func showsHints(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/hints", func(c *tako.Context) error {
			if err := c.EarlyHints("</style.css>; rel=preload"); err != nil {
				return err
			}
			return c.Text(200, "hinted")
		})
	})
	if r := s.get("/hints", 200); len(r.interim) != 1 || r.interim[0] != 103 {
		x.Errorf("got %v before the response", r.interim)
	}
}
