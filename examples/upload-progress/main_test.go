package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

func TestProgress(t *testing.T) {
	const size = 1 << 20
	srv := takotest.Serve(t, app())
	watcher := srv.Open("GET", "/uploads/one/progress")
	defer watcher.Body.Close()
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write(make([]byte, size/2))
		_, _ = w.Write(make([]byte, size/2))
		_ = w.Close()
	}()
	var got receipt
	srv.Post("/uploads/one", takotest.Reader("application/octet-stream", r)).Expect(http.StatusOK).JSON(&got)
	assert.Equal(t, got.Size, int64(size))

	var last sse.UploadProgress
	lines := bufio.NewScanner(watcher.Body)
	for lines.Scan() { // to the end of the stream, which is that of the upload
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var p sse.UploadProgress
			assert.NoError(t, json.Unmarshal([]byte(text), &p))
			if p.Read < last.Read {
				t.Errorf("%+v behind %+v", p, last)
			}
			last = p
		}
	}
	assert.NoError(t, lines.Err())
	assert.Equal(t, last, sse.UploadProgress{Read: size, Total: -1, Done: true})
	srv.Post("/uploads/one", takotest.Body("text/plain", "again")).Problem(http.StatusConflict)
}

func TestPage(t *testing.T) {
	assert.Contains(t, takotest.New(t, app()).Get("/").Expect(http.StatusOK).Text, "EventSource")
}
