package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/takotest"
)

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.txt": "0123456789", "page.html": "<script>", ".env": "secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := app(dir)
	if err != nil {
		t.Fatal(err)
	}
	srv := takotest.Serve(t, r)
	home := srv.Get("/").Expect(200).ExpectHeader("Content-Type", "text/html; charset=utf-8").ExpectHeader("Cache-Control", "no-cache").Text
	srv.Get("/style.css").Expect(200).ExpectHeader("Content-Type", "text/css; charset=utf-8")
	srv.Get("/anything/else", takotest.Header("Accept", "text/html")).Expect(200).ExpectText(home)

	list := srv.Get("/files/").Expect(200).Text
	if !strings.Contains(list, `href="./a.txt"`) || strings.Contains(list, ".env") {
		t.Errorf("got the listing %s", list)
	}
	srv.Get("/files/a.txt", takotest.Header("Range", "bytes=2-4")).Expect(206).ExpectText("234")
	srv.Get("/files/page.html").Expect(200).ExpectHeader("Content-Disposition", `attachment; filename="page.html"`)
	srv.Get("/files/.env").Problem(404)
	srv.Get("/files/..%2fmain.go").Problem(404)
}

// A player asks for the length first, and then for what it is about to play.
func TestSound(t *testing.T) {
	r, err := app(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	srv := takotest.Serve(t, r)
	whole := srv.Get("/tone.wav", takotest.Header("Range", "bytes=0-")).Expect(206).ExpectHeader("Content-Type", "audio/wav")
	whole.ExpectHeader("Content-Range", "bytes 0-960043/960044").ExpectHeader("Accept-Ranges", "bytes")
	tag := whole.Header.Get("Etag")
	srv.Get("/tone.wav", takotest.Header("Range", "bytes=500000-500999"), takotest.Header("If-Range", tag)).Expect(206).ExpectText(whole.Text[500000:501000])
	srv.Get("/tone.wav", takotest.Header("If-None-Match", tag)).Expect(304)
}
