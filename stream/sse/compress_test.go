package sse_test

import (
	"compress/gzip"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/stream/sse"
)

// Compressed, each event and comment arrives before the next is made.
func TestSS06Compressed(t *testing.T) {
	ch := make(chan sse.Event[string])
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Use(compress.Responses(compress.Config{}))
		tako.Get(r, "/", stream(sse.Stream[string]{Channel: ch, Config: sse.Config{KeepAlive: 100 * time.Millisecond}}))
		return r
	}, func(t *testing.T, s *carrier) {
		resp := s.do(t, "GET", "/", nil, "Accept-Encoding", "gzip")
		assert.Equal(t, resp.Header.Get("Content-Encoding"), "gzip")
		assert.Equal(t, resp.Header.Get("Content-Type"), "text/event-stream")
		assert.Equal(t, resp.Header.Get("Cache-Control"), "no-store")
		source := newEventSource(t, inflated(t, resp.Body))
		for i := range 20 {
			ch <- sse.Event[string]{Data: strconv.Itoa(i)}
			assert.Equal(t, source.next().data, strconv.Itoa(i))
		}
		for range 3 {
			<-source.comments
		}
		_ = resp.Body.Close()
	})
}

// inflated begins to read when it is read.
func inflated(t *testing.T, body io.ReadCloser) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		from, err := gzip.NewReader(body)
		if err == nil {
			_, err = io.Copy(w, from)
		}
		_ = w.CloseWithError(err)
	}()
	t.Cleanup(func() { _ = body.Close() })
	return r
}
