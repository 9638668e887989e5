package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// events reads the events of a stream, a field a line, with their comments left out.
func nextEvent(t *testing.T, lines *bufio.Scanner) map[string]string {
	t.Helper()
	e := map[string]string{}
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), ": ")
		switch {
		case lines.Text() == "" && (e["data"] != "" || e["event"] != ""):
			return e
		case ok && name != "":
			e[name] = value
		case !ok && strings.HasPrefix(lines.Text(), "event:"):
			e["event"] = strings.TrimPrefix(lines.Text(), "event:")
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return nil
}

// Who comes back gets what was missed, once and in order.
func TestEvents(t *testing.T) {
	srv := takotest.Serve(t, newApp(t))
	nemo := signUp(t, srv, "nemo")
	const at = "/api/v1/reefs/lagoon/events"
	post := func(words string) {
		srv.Post("/api/v1/reefs/lagoon/messages", nemo, takotest.JSON(text{words})).Expect(201)
	}
	first := srv.Open("GET", at, takotest.Header("Accept-Encoding", "br, gzip"))
	assert.Equal(t, first.StatusCode, http.StatusOK)
	assert.Equal(t, first.Header.Get("Content-Type"), "text/event-stream")
	assert.Equal(t, first.Header.Get("Content-Encoding"), "", "no encoder is held for it")
	lines := bufio.NewScanner(first.Body)
	post("one")
	e := nextEvent(t, lines)
	assert.Contains(t, e["data"], `"type":"`+reef.Posted+`"`)
	assert.Contains(t, e["data"], `"text":"one"`)
	assert.NoError(t, first.Body.Close())

	post("two")
	srv.Post("/api/v1/reefs/kelp/messages", nemo, takotest.JSON(text{"elsewhere"})).Expect(201)
	post("three")
	again := bufio.NewScanner(srv.Open("GET", at, takotest.Header("Last-Event-ID", e["id"])).Body)
	for _, want := range []string{"two", "three"} {
		assert.Contains(t, nextEvent(t, again)["data"], `"text":"`+want+`"`)
	}
	other := bufio.NewScanner(srv.Open("GET", at, takotest.Header("Last-Event-ID", "another-life-7")).Body)
	assert.Equal(t, nextEvent(t, other)["event"], "reset")
	srv.Get("/api/v1/reefs/desert/events").Problem(404)
}

// Answers with nothing secret in them are compressed.
func TestCompression(t *testing.T) {
	srv := takotest.Serve(t, newApp(t))
	nemo := signUp(t, srv, "nemo")
	takes := takotest.Header("Accept-Encoding", "br")
	for path, want := range map[string]string{"/": "br", "/assets/app.js": "br", "/api/v1/routes": "br", "/files/": "", "/assets/octopus.svg": ""} {
		assert.Equal(t, srv.Get(path, takes).Expect(200).Header.Get("Content-Encoding"), want, path)
	}
	assert.Equal(t, srv.Get("/api/v1/routes", takes, nemo).Expect(200).Header.Get("Content-Encoding"), "", "with a token")
}
