package main

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/tako-go/tako/examples/octopus/account"
	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/examples/octopus/upload"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestAccounts(t *testing.T) {
	srv := newTest(t)
	created := srv.Post("/api/v1/users", takotest.JSON(credentials{"nemo", "eight arms"})).
		Expect(201).ExpectHeader("Location", "/api/v1/users/nemo")
	if strings.Contains(created.Text, "arms") {
		t.Errorf("got the password back: %s", created.Text)
	}
	var in signedIn
	srv.Post("/api/v1/sessions", takotest.JSON(credentials{"nemo", "eight arms"})).Expect(201).JSON(&in)
	me := takotest.Bearer(in.Token)
	srv.Patch("/api/v1/me", me, takotest.JSON(aboutMe{"captain"})).Expect(200)
	var u account.User
	srv.Get("/api/v1/users/nemo").Expect(200).JSON(&u)
	if u.Name != "nemo" || u.About != "captain" {
		t.Errorf("got %+v", u)
	}
	srv.Get("/api/v1/me", me).Expect(200).JSON(&u)
	srv.Delete("/api/v1/sessions/current", me).Expect(204)
	srv.Get("/api/v1/me", me).Problem(401)
	srv.Post("/api/v1/users", takotest.JSON(credentials{"x", "short"})).Problem(422)
}

func TestReefsAndMessages(t *testing.T) {
	srv := newTest(t)
	nemo, other := signUp(t, srv, "nemo"), signUp(t, srv, "ned")
	srv.Post("/api/v1/reefs", nemo, takotest.JSON(newReef{"atoll", "a ring"})).
		Expect(201).ExpectHeader("Location", "/api/v1/reefs/atoll")
	const at = "/api/v1/reefs/atoll/messages"
	var m reef.Message
	for i := range 5 {
		created := srv.Post(at, nemo, takotest.JSON(text{fmt.Sprint("message ", i)})).Expect(201)
		created.JSON(&m)
		created.ExpectHeader("Location", fmt.Sprint(at, "/", m.ID))
	}
	var r reef.Reef
	srv.Get("/api/v1/reefs/atoll").Expect(200).JSON(&r)
	if r.Messages != 5 || r.By != "nemo" {
		t.Errorf("got %+v", r)
	}
	own := fmt.Sprint(at, "/", m.ID)
	srv.Patch(own, other, takotest.JSON(text{"hijacked"})).Problem(403)
	srv.Patch(own, nemo, takotest.JSON(text{"  "})).Problem(422)
	srv.Patch(own, nemo, takotest.JSON(text{"corrected"})).Expect(200)
	srv.Get(own).Expect(200).JSON(&m)
	if m.Text != "corrected" || m.Edited == nil {
		t.Errorf("got %+v", m)
	}
	srv.Delete(own, other).Problem(403)
	srv.Delete(own, nemo).Expect(204)
	srv.Get(own).Problem(404)
}

func TestPaging(t *testing.T) {
	srv := newTest(t)
	nemo := signUp(t, srv, "nemo")
	srv.Post("/api/v1/reefs", nemo, takotest.JSON(newReef{Name: "atoll"})).Expect(201)
	const at = "/api/v1/reefs/atoll/messages"
	var first reef.Message
	for i := range 7 {
		resp := srv.Post(at, nemo, takotest.JSON(text{fmt.Sprint(i)})).Expect(201)
		if i == 0 {
			resp.JSON(&first)
		}
	}
	type page struct {
		Items []reef.Message `json:"items"`
		Next  string         `json:"next"`
	}
	texts := func(p page) (all string) {
		for _, m := range p.Items {
			all += m.Text
		}
		return all
	}
	query := "?limit=3"
	for i, want := range []string{"456", "123", "0"} {
		var p page
		resp := srv.Get(at + query).Expect(200)
		resp.JSON(&p)
		if texts(p) != want || (p.Next == "") != (i == 2) {
			t.Fatalf("page %d: got %q, next %q; want %q", i, texts(p), p.Next, want)
		}
		if p.Next != "" {
			query = "?limit=3&cursor=" + p.Next
			resp.ExpectHeader("Link", fmt.Sprintf(`<?cursor=%s&limit=3>; rel="next"`, p.Next))
		}
	}
	var p page
	srv.Get(fmt.Sprint(at, "?limit=2&since=", first.ID)).Expect(200).JSON(&p)
	if texts(p) != "12" {
		t.Errorf("since: got %q", texts(p))
	}
	for _, bad := range []string{"?cursor=nonsense", "?limit=x", "?since=%zz"} {
		srv.Get(at + bad).Problem(400)
	}
	for _, bad := range []string{"?limit=0", "?limit=101", "?since=-1"} {
		srv.Get(at + bad).Problem(422)
	}
}

func TestUploads(t *testing.T) {
	srv := newTest(t)
	nemo, other := signUp(t, srv, "nemo"), signUp(t, srv, "ned")
	const at = "/api/v1/uploads"
	content := strings.Repeat("shells\x00", 100_000)
	var f upload.File
	resp := srv.Post(at+"?name=sh%C3%A9lls.html", nemo, takotest.Reader("text/html", strings.NewReader(content))).Expect(201)
	resp.JSON(&f)
	resp.ExpectHeader("Location", fmt.Sprint(at, "/", f.ID))
	if f.Size != int64(len(content)) || f.By != "nemo" {
		t.Errorf("got %+v", f)
	}
	var list []upload.File
	srv.Get(at).Expect(200).JSON(&list)
	if len(list) != 2 || list[0] != f {
		t.Errorf("got %+v", list)
	}
	path := fmt.Sprint(at, "/", f.ID)
	down := srv.Get(path).Expect(200).ExpectText(content).ExpectHeader("Content-Type", "application/octet-stream")
	if as := down.Header.Get("Content-Disposition"); !strings.HasPrefix(as, "attachment;") || !strings.Contains(as, "sh%C3%A9lls.html") {
		t.Errorf("got disposition %q", as)
	}
	srv.Post(at+"?name=a", takotest.Body("text/plain", "x")).Problem(401)
	srv.Post(at, nemo, takotest.Body("text/plain", "x")).Problem(422)
	srv.Post(at+"?name=a", nemo, takotest.Body("text/plain", strings.Repeat("x", maxUpload+1))).Problem(413)
	srv.Post(at+"?name=a", nemo, takotest.Reader("text/plain", strings.NewReader(strings.Repeat("x", maxUpload+1)))).Problem(413)
	srv.Get(path, takotest.Header("If-None-Match", down.Header.Get("Etag")), takotest.Header("If-Modified-Since", down.Header.Get("Last-Modified"))).Expect(304)
	srv.Delete(path, other).Problem(403)
	srv.Delete(path, nemo).Expect(204)
	srv.Get(path).Problem(404)
}

// The form is what a page sends.
func TestUploadForm(t *testing.T) {
	srv := newTest(t)
	nemo := signUp(t, srv, "nemo")
	const at = "/api/v1/upload-form"
	send := func(field, content string) *takotest.Response {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile(field, "shells.txt")
		assert.NoError(t, err)
		_, err = io.WriteString(part, content)
		assert.NoError(t, err)
		assert.NoError(t, w.Close())
		return srv.Post(at, nemo, takotest.Body(w.FormDataContentType(), body.String()))
	}
	var f upload.File
	path := send("file", "nine shells").Expect(201).JSON(&f).Header.Get("Location")
	if f.Name != "shells.txt" || f.Size != 11 || f.By != "nemo" {
		t.Errorf("got %+v", f)
	}
	srv.Get(path).Expect(200).ExpectText("nine shells")
	send("other", "x").Problem(422)
	send("file", strings.Repeat("x", maxUpload+1)).Problem(413)
	srv.Post(at, nemo, takotest.Body("text/plain", "x")).Problem(415)
	srv.Post(at, takotest.Body("text/plain", "x")).Problem(401)
}
