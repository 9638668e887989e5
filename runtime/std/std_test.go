package std_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

func TestServe(t *testing.T) {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "hi") })
	s := std.New(app, std.Config{Addr: "127.0.0.1:0"})
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	resp, err := http.Get("http://" + s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	t.Log(resp.Status, resp.Header, string(body))
	report, err := s.Shutdown(context.Background())
	t.Log(report, err)
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}
