package main

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/tako-go/tako/takotest"
)

// browse is a server whose client keeps cookies.
func browse(t *testing.T) *takotest.Server {
	t.Helper()
	r, err := app()
	if err != nil {
		t.Fatal(err)
	}
	srv := takotest.New(t, r)
	if srv.Client.Jar, err = cookiejar.New(nil); err != nil {
		t.Fatal(err)
	}
	return srv
}

// cookieOf returns what a response sets.
func cookieOf(t *testing.T, resp *takotest.Response, name string) *http.Cookie {
	t.Helper()
	for _, c := range resp.Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s in %v", name, resp.Header)
	return nil
}

func TestPlain(t *testing.T) {
	srv := browse(t)
	srv.Get("/theme").Expect(200).ExpectText(`{"theme":"light"}`)
	srv.Put("/theme", takotest.JSON(look{"dark"})).Expect(204)
	srv.Get("/theme").Expect(200).ExpectText(`{"theme":"dark"}`)
	srv.Put("/theme", takotest.JSON(look{"loud"})).Problem(422)
	other := browse(t)
	other.Get("/theme", takotest.Cookie("theme", "loud")).Problem(422)
}

func TestSigned(t *testing.T) {
	srv := browse(t)
	srv.Get("/visits").Expect(200).ExpectText(`{"visits":1}`)
	mine := cookieOf(t, srv.Get("/visits").Expect(200).ExpectText(`{"visits":2}`), visits.Name)
	if !mine.HttpOnly || mine.SameSite != http.SameSiteLaxMode || mine.MaxAge != 24*3600 {
		t.Errorf("got %+v", mine)
	}
	srv.Client.Jar = nil
	srv.Get("/visits", takotest.Cookie(visits.Name, mine.Value)).Expect(200).ExpectText(`{"visits":3}`)
	srv.Get("/visits", takotest.Cookie(visits.Name, mine.Value+"A")).Expect(200).ExpectText(`{"visits":1}`)
}

func TestPrivate(t *testing.T) {
	srv := browse(t)
	srv.Get("/note").Problem(404)
	kept := cookieOf(t, srv.Put("/note", takotest.JSON(secret{"a secret"})).Expect(204), note.Name)
	if strings.Contains(kept.Value, "secret") {
		t.Errorf("the note can be read: %s", kept.Value)
	}
	srv.Get("/note").Expect(200).ExpectText(`{"note":"a secret"}`)

	srv.Post("/keys").Expect(200)
	anew := cookieOf(t, srv.Get("/note").Expect(200).ExpectText(`{"note":"a secret"}`), note.Name)
	if anew.Value == kept.Value {
		t.Error("the cookie was not made anew after the rotation")
	}
	srv.Delete("/keys/first").Expect(204)
	srv.Get("/note").Expect(200).ExpectText(`{"note":"a secret"}`)
	srv.Client.Jar = nil
	srv.Get("/note", takotest.Cookie(note.Name, kept.Value)).Problem(404)
	srv.Delete("/keys/first").Problem(404)
}
