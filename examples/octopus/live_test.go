package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// next reads one line of a live stream.
func next(t *testing.T, lines *bufio.Scanner) (e reef.Event) {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("the stream ended: %v", lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
		t.Fatalf("%q: %v", lines.Text(), err)
	}
	return e
}

func TestLive(t *testing.T) {
	for name, serve := range map[string]func(testing.TB, tako.App) *takotest.Server{
		"memory": takotest.New, "std": takotest.Serve,
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, newApp(t))
			nemo := signUp(t, srv, "nemo")
			stream := srv.Open("GET", "/api/v1/reefs/lagoon/live?since=3")
			if stream.StatusCode != 200 || stream.Header.Get("Content-Type") != "application/x-ndjson" {
				t.Fatalf("got %s, %v", stream.Status, stream.Header)
			}
			lines := bufio.NewScanner(stream.Body)
			if e := next(t, lines); e.Type != reef.Posted || e.Message.ID != 4 {
				t.Errorf("got %+v, want the message since", e)
			}
			const at = "/api/v1/reefs/lagoon/messages"
			var m reef.Message
			srv.Post(at, nemo, takotest.JSON(text{"hello"})).Expect(201).JSON(&m)
			if e := next(t, lines); e.Type != reef.Posted || e.Message != m {
				t.Errorf("got %+v, want %+v", e, m)
			}
			srv.Post("/api/v1/reefs/kelp/messages", nemo, takotest.JSON(text{"elsewhere"})).Expect(201)
			path := at + "/8"
			srv.Patch(path, nemo, takotest.JSON(text{"hello all"})).Expect(200)
			if e := next(t, lines); e.Type != reef.Edited || e.Message.Text != "hello all" {
				t.Errorf("got %+v", e)
			}
			srv.Delete(path, nemo).Expect(204)
			if e := next(t, lines); e.Type != reef.Deleted || e.Message.ID != m.ID {
				t.Errorf("got %+v", e)
			}
			// Who leaves is not watched for any longer.
			stream.Body.Close()
			for numbers := (stats{Watchers: 1}); numbers.Watchers != 0; {
				srv.Get("/api/v1/stats").Expect(200).JSON(&numbers)
			}
		})
	}
}

// A stream ends with the drain, and no files are left behind.
func TestRunDrains(t *testing.T) {
	for _, runtime := range []string{"std", "loop"} {
		t.Run(runtime, func(t *testing.T) {
			o := start(t, settings{listen: "http://127.0.0.1:0", runtime: runtime, demo: true, drain: patience})
			stream := o.get(t, http.DefaultTransport, "http://"+o.addr("http")+"/api/v1/reefs/lagoon/live?since=3")
			lines := bufio.NewScanner(stream.Body)
			next(t, lines)
			if left, _ := filepath.Glob(os.TempDir() + "/octopus-*"); len(left) != 1 {
				t.Errorf("got folders %v, want one for uploads", left)
			}
			o.stop()
			if e := next(t, lines); e.Type != "bye" || lines.Scan() || lines.Err() != nil {
				t.Errorf("got %+v, %q, %v; want bye and a proper end", e, lines.Text(), lines.Err())
			}
			text, err := o.end()
			assert.NoError(t, err)
			assert.Contains(t, text, "Ctrl-C drains")
			assert.Contains(t, text, "the reef is closed: drained ")
			assert.Contains(t, text, "cut 0")
			if left, _ := filepath.Glob(os.TempDir() + "/octopus-*"); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
