package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFiles(t *testing.T) {
	f := file{name: "f.bin", size: 2<<20 + 5, alone: true}
	dir := t.TempDir()
	if err := writeFiles(dir, []scenario{f.scenario("large"), plain}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, f.name)); err != nil || string(text) != f.text() {
		t.Fatalf("got %d bytes, %v", len(text), err)
	}
	server := httptest.NewServer(http.StripPrefix("/static/", http.FileServer(http.Dir(dir))))
	defer server.Close()
	addr := strings.TrimPrefix(server.URL, "http://")
	if err := (loader{}).check(t.Context(), addr, f.scenario("large")); err != nil {
		t.Fatal(err)
	}
	got, err := runFile(t.Context(), addr, f, 2, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests < 4 || got.Requests%2 != 0 {
		t.Errorf("counted %d MiB", got.Requests)
	}
	f.size--
	if _, err := runFile(t.Context(), addr, f, 1, time.Minute); err == nil {
		t.Error("a file of another size is no error")
	}
}
