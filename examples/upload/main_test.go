package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/takotest"
)

const png = "\x89PNG\r\n\x1a\nand so on"

// part is a part of a form; a file has a type.
type part struct{ name, file, kind, data string }

func form(t *testing.T, parts ...part) takotest.Edit {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", p.name)}}
		if p.file != "" {
			h.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q; filename=%q", p.name, p.file))
			h.Set("Content-Type", p.kind)
		}
		to, err := w.CreatePart(h)
		if err == nil {
			_, err = io.WriteString(to, p.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return takotest.Body(w.FormDataContentType(), body.String())
}

func TestAlbums(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp) // on Windows
	srv := takotest.New(t, app(dir))
	title := part{name: "title", data: "Reef"}
	photo := part{"photo", "../reef.png", "image/png", png}
	large := part{"more", "large.bin", "application/octet-stream", strings.Repeat("x", 3<<20)}

	var got saved
	resp := srv.Post("/albums", form(t, title, part{name: "tag", data: "blue"}, part{name: "tag", data: "deep"}, photo, large)).
		Expect(201).JSON(&got)
	if got.Title != "Reef" || len(got.Tags) != 2 || got.Photo != "reef.png" || got.Files["large.bin"] != 3<<20 {
		t.Errorf("got %+v", got)
	}
	kept, err := os.ReadFile(filepath.Join(dir, filepath.Base(resp.Header.Get("Location"))))
	if string(kept) != png || err != nil {
		t.Errorf("kept %q, %v", kept, err)
	}

	refused := map[string]struct {
		status int
		parts  []part
	}{
		"no title":      {422, []part{photo}},
		"no photo":      {422, []part{title}},
		"text":          {415, []part{title, {"photo", "a.txt", "text/plain", "hello"}}},
		"text as image": {422, []part{title, {"photo", "a.png", "image/png", "hello"}}},
		"too large":     {413, []part{title, {"photo", "a.png", "image/png", png + strings.Repeat("x", 5<<20)}}},
		"too many":      {413, make([]part, 21)},
	}
	for name, tt := range refused {
		t.Run(name, func(t *testing.T) { srv.Post("/albums", form(t, tt.parts...)).Problem(tt.status) })
	}
	if left, err := os.ReadDir(temp); len(left) != 0 || err != nil {
		t.Errorf("left on disk: %v, %v", left, err)
	}
}

func TestSums(t *testing.T) {
	srv := takotest.Serve(t, app(t.TempDir()))
	data := strings.Repeat("shells", 1<<20)
	var got map[string]string
	srv.Post("/sums", form(t, part{"a", "a.bin", "application/octet-stream", data}, part{name: "b", data: "b"})).Expect(200).JSON(&got)
	for name, of := range map[string]string{"a": data, "b": "b"} {
		sum := sha256.Sum256([]byte(of))
		if want := hex.EncodeToString(sum[:]); got[name] != want {
			t.Errorf("%s: got %s, want %s", name, got[name], want)
		}
	}
	srv.Post("/sums", takotest.Body("text/plain", "x")).Problem(415)
}
