package sse_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

type uploadID struct {
	ID string `path:"id"`
}

func uploadApp(uploads *sse.Uploads, around ...tako.Middleware) *tako.Router {
	r := tako.New()
	r.Log(quiet)
	r.Use(around...)
	r.BodyLimit(10 << 20)
	r.Post("/{id}", func(c *tako.Context) error {
		if err := uploads.Track(c, c.Param("id")); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, c.Body())
		return err
	})
	tako.Get(r, "/{id}/progress", func(_ context.Context, in uploadID) (sse.Stream[sse.UploadProgress], error) {
		return uploads.Stream(in.ID), nil
	})
	return r
}

func progressOf(t *testing.T, e received) (p sse.UploadProgress) {
	t.Helper()
	assert.NoError(t, json.Unmarshal([]byte(e.data), &p))
	return p
}

// A stream that was opened before the upload sees it grow and end.
func TestUploads(t *testing.T) {
	const size = 1 << 20
	overAll(t, func() *tako.Router {
		return uploadApp(sse.NewUploads(sse.UploadsConfig{Progress: tako.ProgressConfig{Bytes: 1, Interval: time.Nanosecond}}))
	}, func(t *testing.T, s *carrier) {
		watcher := s.source(t, "/one/progress")
		r, w := io.Pipe()
		answered := make(chan int, 1)
		go func() { answered <- s.do(t, "POST", "/one", r).StatusCode }()
		for sent := 0; sent < size; sent += size / 4 {
			_, err := w.Write(make([]byte, size/4))
			assert.NoError(t, err)
			for p := (sse.UploadProgress{}); p.Read < int64(sent+size/4); {
				p = progressOf(t, watcher.next())
				assert.Equal(t, p.Done, false)
				assert.Equal(t, p.Total, int64(-1))
			}
		}
		assert.NoError(t, w.Close())
		assert.Equal(t, <-answered, 200)
		all, err := watcher.rest()
		assert.ErrorIs(t, err, io.EOF)
		assert.Equal(t, progressOf(t, all[len(all)-1]), sse.UploadProgress{Read: size, Total: -1, Done: true})
		// One that comes late is told the end.
		assert.Equal(t, progressOf(t, s.source(t, "/one/progress").next()).Done, true)
		assert.Equal(t, s.do(t, "POST", "/one", nil).StatusCode, http.StatusConflict)
	})
}

// An upload that breaks off, and one that is refused, have failed.
func TestUploadFails(t *testing.T) {
	uploads := sse.NewUploads(sse.UploadsConfig{})
	s := takotest.New(t, uploadApp(uploads))
	s.Post("/large", takotest.Body("text/plain", strings.Repeat("x", 11<<20))).Problem(http.StatusRequestEntityTooLarge)
	p := progressOf(t, open(t, s, "/large/progress", "").next())
	assert.Equal(t, p, sse.UploadProgress{Total: 11 << 20, Done: true, Failed: true})
	s.Get("/" + strings.Repeat("x", 129) + "/progress").Problem(http.StatusBadRequest)
}

// The registry is bounded, and forgets.
func TestUploadsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		uploads := sse.NewUploads(sse.UploadsConfig{Max: 2, Expiry: time.Minute})
		s := takotest.New(t, uploadApp(uploads))
		s.Post("/a", takotest.Body("text/plain", "x")).Expect(200)
		awaits := s.Open("GET", "/b/progress")
		s.Post("/c", takotest.Body("text/plain", "x")).Problem(http.StatusServiceUnavailable)
		s.Get("/c/progress").Problem(http.StatusServiceUnavailable)
		time.Sleep(61 * time.Second)
		text, err := io.ReadAll(awaits.Body) // it did not begin in time
		assert.NoError(t, err)
		assert.Equal(t, strings.Trim(string(text), ":\n"), "")
		s.Post("/c", takotest.Body("text/plain", "x")).Expect(200)
		assert.Equal(t, uploads.Known(), 2)
		time.Sleep(2 * time.Minute)
		s.Post("/d", takotest.Body("text/plain", "x")).Expect(200)
		assert.Equal(t, uploads.Known(), 1)
	})
}

// Names that somebody has made up and left do not keep uploads out.
func TestUploadsLeft(t *testing.T) {
	uploads := sse.NewUploads(sse.UploadsConfig{Max: 2})
	s := takotest.New(t, uploadApp(uploads))
	for _, id := range []string{"a", "b"} {
		awaits := s.Open("GET", "/"+id+"/progress")
		assert.Equal(t, awaits.StatusCode, 200)
		_ = awaits.Body.Close()
	}
	assert.Eventually(t, patience, "the uploads to be forgotten", func() bool { return uploads.Known() == 0 })
	s.Post("/c", takotest.Body("text/plain", "x")).Expect(200)

	// One that is watched twice stays until both have left.
	first, second := s.Open("GET", "/d/progress"), s.Open("GET", "/d/progress")
	_ = first.Body.Close()
	s.Post("/d", takotest.Body("text/plain", "x")).Expect(200)
	text, err := io.ReadAll(second.Body)
	assert.NoError(t, err)
	assert.Contains(t, string(text), `"done":true`)
}

// However early the timer fires, a stream ends whose upload does not begin.
func TestUploadsExpire(t *testing.T) {
	uploads := sse.NewUploads(sse.UploadsConfig{Expiry: time.Microsecond})
	s := takotest.New(t, uploadApp(uploads))
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			for i := range 100 {
				resp := s.Open("GET", fmt.Sprintf("/%d-%d/progress", g, i))
				_, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
			}
		})
	}
	wait.Wait()
}

// Of a coded upload the coded bytes are told, and their number.
func TestUploadCoded(t *testing.T) {
	uploads := sse.NewUploads(sse.UploadsConfig{})
	var coded strings.Builder
	w := gzip.NewWriter(&coded)
	_, err := io.WriteString(w, strings.Repeat("some text\n", 1000))
	assert.NoError(t, errors.Join(err, w.Close()))
	s := takotest.New(t, uploadApp(uploads, compress.Requests(compress.RequestConfig{})))
	s.Post("/one", takotest.Body("text/plain", coded.String()), takotest.Header("Content-Encoding", "gzip")).Expect(200)
	size := int64(coded.Len())
	assert.Equal(t, progressOf(t, open(t, s, "/one/progress", "").next()), sse.UploadProgress{Read: size, Total: size, Done: true})
}
