package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
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

// The program as it is started: the banner, a stream that ends with the drain, the
// report, and no files left behind.
func TestRunDrains(t *testing.T) {
	for _, runtime := range []string{"std", "loop"} {
		t.Run(runtime, func(t *testing.T) { runDrains(t, runtime) })
	}
}

func runDrains(t *testing.T, runtime string) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // on Windows
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, "127.0.0.1:0", runtime, true, 30*time.Second, in)
		in.CloseWithError(err)
		ended <- err
	}()
	output := bufio.NewReader(out)
	base := ""
	for page := regexp.MustCompile(`page +(http://\S+)/`); base == ""; {
		line, err := output.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if m := page.FindStringSubmatch(line); m != nil {
			base = m[1]
		}
	}
	rest := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(output)
		rest <- string(text)
	}()
	get := func(path string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "GET", base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	stream := get("/api/v1/reefs/lagoon/live?since=3")
	lines := bufio.NewScanner(stream.Body)
	next(t, lines)
	if left, _ := filepath.Glob(os.TempDir() + "/octopus-*"); len(left) != 1 {
		t.Errorf("got folders %v, want one for uploads", left)
	}
	stop()
	if e := next(t, lines); e.Type != "bye" || lines.Scan() || lines.Err() != nil {
		t.Errorf("got %+v, %q, %v; want bye and a proper end", e, lines.Text(), lines.Err())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if text := <-rest; !strings.Contains(text, "Ctrl-C drains") || !strings.Contains(text, "the reef is closed: drained ") || !strings.Contains(text, "cut 0") {
		t.Errorf("got output %s", text)
	}
	if left, _ := filepath.Glob(os.TempDir() + "/octopus-*"); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUnknownRuntime(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	if err := run(t.Context(), "127.0.0.1:0", "turbo", false, time.Second, io.Discard); err == nil || !strings.Contains(err.Error(), "turbo") {
		t.Errorf("got %v", err)
	}
}
