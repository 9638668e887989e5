package extract

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestRawBodyIsBlankedAfterwards(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, firstRawBody, firstRawBody + 1, keptRawBody * 3} {
		var kept RawBody
		text := strings.Repeat("s", size)
		with(t, "POST", "/", nil, text, func(c *tako.Context) {
			body, err := tako.Extract[RawBody](c)
			assert.NoError(t, err)
			assert.Equal(t, string(body) == text, true)
			assert.Equal(t, cap(body), size, "an append must not reach into the pool")
			kept = body
		})
		assert.Equal(t, bytes.Count(kept, []byte{0}), size, "a handler that keeps the body finds zeros")
	}
}

func TestRawBodyUnknownLength(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 2000)
	for _, tt := range []struct {
		body   io.Reader
		limit  int64
		status int
	}{
		{iotest.OneByteReader(strings.NewReader(text)), 1 << 20, 200},
		{iotest.DataErrReader(strings.NewReader(text)), int64(len(text)), 200},
		{strings.NewReader(text), int64(len(text)) - 1, 413},
		{iotest.ErrReader(errors.New("broken")), 1 << 20, 400},
	} {
		app := tako.New()
		app.BodyLimit(tt.limit)
		app.Post("/", func(c *tako.Context) error {
			body, err := tako.Extract[RawBody](c)
			if err == nil {
				assert.Equal(t, string(body) == text, true)
			}
			return err
		})
		r := httptest.NewRequest("POST", "/", io.NopCloser(tt.body))
		r.ContentLength = -1
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if tt.status == 200 {
			tt.status = w.Code // whatever a handler that writes nothing gets
			assert.Equal(t, w.Code < 300, true, w.Body.String())
		}
		assert.Equal(t, w.Code, tt.status)
	}
}

func TestRawBodyNone(t *testing.T) {
	t.Parallel()
	with(t, "GET", "/", nil, "", func(c *tako.Context) {
		body, err := tako.Extract[RawBody](c)
		assert.NoError(t, err)
		assert.Equal(t, body.Absent(), true)
	})
}

func TestBodiesAreSent(t *testing.T) {
	t.Parallel()
	raw, own, text := RawBody("raw"), Bytes("own"), Text("text")
	limited := Limited[Bytes, small]{own}
	stream := Stream{strings.NewReader("stream")}
	for _, tt := range []struct {
		e          tako.RequestEncoder
		kind, body string
		length     int64
	}{
		{&raw, "application/octet-stream", "raw", 3}, {&own, "application/octet-stream", "own", 3}, {&limited, "application/octet-stream", "own", 3},
		{&text, "text/plain; charset=utf-8", "text", 4}, {&stream, "application/octet-stream", "stream", -1},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		assert.NoError(t, tt.e.EncodeRequest(r))
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, string(body), tt.body)
		assert.Equal(t, r.ContentLength, tt.length)
		assert.Equal(t, r.Header.Get("Content-Type"), tt.kind)
		if tt.length >= 0 {
			again, _ := r.GetBody()
			body, _ = io.ReadAll(again)
			assert.Equal(t, string(body), tt.body, "sent again")
		}
		r = httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Content-Type", "image/png")
		assert.NoError(t, tt.e.EncodeRequest(r))
		assert.Equal(t, r.Header.Get("Content-Type"), "image/png")
	}
	r := httptest.NewRequest("POST", "/", http.NoBody)
	assert.NoError(t, new(Stream).EncodeRequest(r))
	assert.Equal(t, r.Body, io.ReadCloser(http.NoBody))
}
