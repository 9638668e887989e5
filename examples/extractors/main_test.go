package main

import (
	"strings"
	"testing"

	"github.com/tako-go/tako/takotest"
)

func TestGreet(t *testing.T) {
	srv := takotest.Serve(t, app())
	var got map[string]any
	srv.Get("/greet/ada?loud=true", takotest.Header("Accept-Language", "de-CH, en;q=0.5"),
		takotest.Header("X-Trace-Id", "7f")).Expect(200).JSON(&got)
	want := map[string]any{"text": "HALLO, ADA", "from": "127.0.0.1", "route": "/greet/{name}", "trace": "7f"}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("got %s %v, want %v", name, got[name], value)
		}
	}
	got = nil
	srv.Get("/greet/ada").Expect(200).JSON(&got)
	if _, traced := got["trace"]; traced || got["text"] != "Hello, ada" {
		t.Errorf("got %v", got)
	}
	srv.Get("/greet/ada?loud=very").Problem(400)
}

func TestNotes(t *testing.T) {
	srv := takotest.New(t, app())
	srv.Post("/notes", takotest.Body("text/plain", "ten tentacles")).Expect(200).ExpectText(`{"bytes":13,"words":2}`)
	srv.Post("/notes", takotest.Body("text/plain", strings.Repeat("x", 101))).Problem(413)
	srv.Post("/notes", takotest.Body("image/png", "x")).Problem(415)
}

func TestPoem(t *testing.T) {
	srv := takotest.New(t, app())
	part := takotest.Header("Range", "bytes=4-12")
	srv.Get("/poem", part).Expect(206).ExpectText("tentacles").ExpectHeader("Content-Range", "bytes 4-12/30")
	srv.Get("/poem").Expect(200).ExpectText(verse)
	srv.Get("/poem", takotest.Header("Range", "bytes=99-")).Problem(416)
}
