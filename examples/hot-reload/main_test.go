package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// write replaces a file at once.
func write(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	assert.NoError(t, os.WriteFile(next, []byte(text), 0o600))
	assert.NoError(t, os.Rename(next, path))
}

func TestReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.json")
	_, err := open(path)
	assert.ErrorIs(t, err, os.ErrNotExist)
	write(t, path, `{"/": "hello\n"}`)
	s, err := open(path)
	assert.NoError(t, err)
	srv := takotest.New(t, s.live)
	srv.Get("/").Expect(200).ExpectText("hello\n")
	srv.Get("/new").Expect(404)
	write(t, path, `{"/": "hi\n", "/new": "and more\n"}`)
	srv.Get("/").Expect(200).ExpectText("hello\n")
	srv.Post("/reload").Expect(200)
	srv.Get("/").Expect(200).ExpectText("hi\n")
	for _, mistake := range []string{`{"/": "hey"`, `{"/": "hey", "/{": "oh"}`} {
		write(t, path, mistake)
		srv.Post("/reload").Expect(409)
		srv.Get("/").Expect(200).ExpectText("hi\n")
		srv.Get("/new").Expect(200).ExpectText("and more\n")
	}
}

func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.json")
	write(t, path, `{"/": "hello\n"}`)
	s, err := open(path)
	assert.NoError(t, err)
	srv := takotest.New(t, s.live)
	signals, done := make(chan os.Signal), make(chan struct{})
	go func() {
		defer close(done)
		s.follow(signals)
	}()
	for _, text := range []string{`no pages`, `{"/": "hi\n"}`} {
		write(t, path, text)
		signals <- syscall.SIGHUP
	}
	close(signals)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	srv.Get("/").Expect(200).ExpectText("hi\n")
}
