package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// patience is ten times what anything here takes.
const patience = 30 * time.Second

// octopus is the program as it is started, without its process.
type octopus struct {
	stop   func()
	urls   map[string]string // by protocol, as the banner has them
	banner string
	rest   chan string
	ended  chan error
}

// start runs the program, with its files in a folder of the test.
func start(t *testing.T, set settings) *octopus {
	t.Helper()
	set.cost = 10
	for tries := 1; ; tries++ {
		o, err := tryStart(t, set)
		if err == nil {
			return o
		}
		// Another program may have the UDP port that is like the TCP port.
		if tries == 5 || !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatal(err)
		}
	}
}

func tryStart(t *testing.T, set settings) (*octopus, error) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // on Windows
	ctx, stop := context.WithCancel(t.Context())
	o := &octopus{stop: stop, urls: map[string]string{}, rest: make(chan string, 1), ended: make(chan error, 1)}
	t.Cleanup(stop)
	out, in := io.Pipe()
	go func() {
		err := run(ctx, set, in)
		in.CloseWithError(err)
		o.ended <- err
	}()
	output := bufio.NewReader(out)
	for listens := regexp.MustCompile(`^  ([a-z0-9+]+://\S+)   `); !strings.Contains(o.banner, "Ctrl-C drains"); {
		line, err := output.ReadString('\n')
		if err != nil {
			return nil, err
		}
		o.banner += line
		if m := listens.FindStringSubmatch(line); m != nil {
			protocol, _, _ := strings.Cut(m[1], "://")
			o.urls[protocol] = m[1]
		}
	}
	go func() {
		text, _ := io.ReadAll(output)
		o.rest <- o.banner + string(text)
	}()
	return o, nil
}

// shortTemp is a folder whose name leaves room for that of a Unix socket.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "reef")
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// addr is the address of a protocol.
func (o *octopus) addr(protocol string) string {
	return strings.TrimPrefix(o.urls[protocol], protocol+"://")
}

// end stops the program and returns all it has printed.
func (o *octopus) end() (text string, err error) {
	o.stop()
	err = <-o.ended
	return <-o.rest, err
}

func (o *octopus) get(t *testing.T, carrier http.RoundTripper, url string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	assert.NoError(t, err)
	resp, err := (&http.Client{Transport: carrier, Timeout: patience}).Do(req)
	assert.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestMistakes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	tests := []struct {
		set  settings
		want string
	}{
		{settings{listen: "http://127.0.0.1:0", runtime: "turbo"}, `"turbo"`},
		{settings{listen: "127.0.0.1:0", runtime: "std"}, "scheme://address"},
		{settings{listen: "https://127.0.0.1:0", runtime: "std", cert: missing}, "-cert and -key"},
		{settings{listen: "https://127.0.0.1:0", runtime: "loop", cert: missing, key: missing}, "missing.pem"},
		{settings{listen: "h3://127.0.0.1:0", runtime: "std", cert: missing, key: missing}, "missing.pem"},
		{settings{listen: "http://127.0.0.1:0", runtime: "std", drain: -time.Second}, "negative Drain"},
	}
	for _, tt := range tests {
		t.Setenv("TMPDIR", t.TempDir())
		err := run(t.Context(), tt.set, io.Discard)
		if err == nil {
			t.Errorf("%+v: no error", tt.set)
			continue
		}
		assert.Contains(t, err.Error(), tt.want)
	}
}

// What is under way longer than -drain is cut off.
func TestDrainIsBounded(t *testing.T) {
	o := start(t, settings{listen: "http://127.0.0.1:0", runtime: "std", drain: 50 * time.Millisecond})
	body, hold := io.Pipe()
	begun, answered := make(chan struct{}), make(chan error, 1)
	go func() {
		req, _ := http.NewRequest("POST", "http://"+o.addr("http")+"/api/v1/users", body)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		answered <- err
	}()
	go func() {
		defer close(begun)
		_, _ = io.WriteString(hold, `{"name":`)
	}()
	<-begun
	assert.Eventually(t, patience, "the request", func() bool {
		resp := o.get(t, http.DefaultTransport, "http://"+o.addr("http")+"/api/v1/stats")
		text, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(text), `"requestsUnderWay":2`)
	})
	_, err := o.end()
	if err == nil || !strings.Contains(err.Error(), "cut connections off") {
		t.Errorf("got %v", err)
	}
	assert.NoError(t, hold.Close())
	<-answered
}

func TestWithoutDemo(t *testing.T) {
	o := start(t, settings{listen: "http://127.0.0.1:0", runtime: "std", drain: patience})
	resp := o.get(t, http.DefaultTransport, "http://"+o.addr("http")+"/api/v1/reefs")
	text, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(text)), "[]")
	_, err = o.end()
	assert.NoError(t, err)
}
