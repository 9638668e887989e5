package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tako-go/tako/takotest"
)

func newTest(t *testing.T) *takotest.Server {
	t.Helper()
	r, err := app()
	if err != nil {
		t.Fatal(err)
	}
	return takotest.New(t, r)
}

func basic(user, password string) takotest.Edit {
	return takotest.Header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
}

func TestMember(t *testing.T) {
	srv := newTest(t)
	var bought token
	srv.Post("/tokens", basic("ada", "calm water")).Expect(200).JSON(&bought)
	var who member
	srv.Get("/me", takotest.Bearer(bought.Token)).Expect(200).JSON(&who)
	if want := (member{"ada", "diver"}); who != want {
		t.Errorf("got %+v, want %+v", who, want)
	}
	srv.Get("/export", takotest.Header("X-Export-Key", "key-of-the-museum")).Expect(200)
	srv.Get("/metrics", takotest.Bearer("scrape-me")).Expect(200)

	refused := map[string]*takotest.Response{
		"nobody":          srv.Post("/tokens"),
		"wrong password":  srv.Post("/tokens", basic("ada", "calm")),
		"unknown user":    srv.Post("/tokens", basic("eve", "calm water")),
		"no token":        srv.Get("/me"),
		"forged token":    srv.Get("/me", takotest.Bearer(bought.Token+"A")),
		"token of others": newTest(t).Get("/me", takotest.Bearer(bought.Token)),
		"no key":          srv.Get("/export"),
		"wrong key":       srv.Get("/export", takotest.Header("X-Export-Key", "key")),
		"other scheme":    srv.Get("/metrics", basic("ada", "calm water")),
	}
	for name, resp := range refused {
		resp.Problem(401)
		if resp.Header.Get("Www-Authenticate") == "" {
			t.Errorf("%s: no challenge", name)
		}
		if strings.Contains(resp.Text, errWrong.Error()) {
			t.Errorf("%s: the reason is told: %s", name, resp.Text)
		}
	}
}

// What handlers want is in the document, also where it is wanted by what provides a
// value.
func TestSecurity(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct{ Security []map[string][]string }
	}
	text := newTest(t).Get("/docs/openapi.json").Expect(200).Text
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			if len(op.Security) != 1 || len(op.Security[0]) != 1 {
				t.Errorf("%s %s wants %v", method, path, op.Security)
			}
		}
	}
	for _, scheme := range []string{`"basic"`, `"bearer"`, `"JWT"`, `"X-Export-Key"`} {
		if !strings.Contains(text, scheme) {
			t.Errorf("no %s in %s", scheme, text)
		}
	}
}
