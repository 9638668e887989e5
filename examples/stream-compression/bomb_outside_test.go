package main

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// What has no line ends is counted, and refused once it is too large, as the comment of the
// program says.
func TestOneLine(t *testing.T) {
	srv := takotest.Serve(t, app(time.Second))
	for size, want := range map[int]int{8 << 20: 200, 8<<20 + 1: 413} {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(make([]byte, size))
		assert.NoError(t, err)
		assert.NoError(t, w.Close())
		srv.Post("/logs", takotest.Body("text/plain", b.String()), takotest.Header("Content-Encoding", "gzip")).Expect(want)
	}
}
