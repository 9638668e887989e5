// Command cookies shows three jars: plain cookies, which clients may change; signed
// ones, which they may read; and private ones, which they may do neither with. The
// keys rotate while the service runs.
//
//	go run ./examples/cookies
//	curl -c jar -b jar -X PUT --json '{"theme":"dark"}' localhost:8080/theme
//	curl -c jar -b jar localhost:8080/visits       # again and again; see what is in jar
//	curl -c jar -b jar -X PUT --json '{"note":"a secret"}' localhost:8080/note
//	curl -X POST localhost:8080/keys               # what was made before is still read
//	curl -X DELETE localhost:8080/keys/first       # and now no longer, unless it was made anew
//	curl -c jar -b jar localhost:8080/note
package main

import (
	"context"
	"log"
	"strconv"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/runtime/std"
)

// What tells of a cookie is in one place; values are added by With.
var (
	theme  = extract.Cookie{Name: "theme", MaxAge: 365 * 24 * time.Hour, Scripts: true}
	visits = extract.Cookie{Name: "visits", MaxAge: 24 * time.Hour}
	note   = extract.Cookie{Name: "note", MaxAge: time.Hour}
)

type look struct {
	Theme string `json:"theme" enum:"light,dark" required:"true"`
}

func setTheme(_ context.Context, in struct {
	Jar  extract.CookieJar
	Body look
}) (tako.NoContent, error) {
	return tako.NoContent{}, in.Jar.Set(theme.With(in.Body.Theme))
}

// getTheme needs no jar: a cookie can be a parameter as any other. Anybody can write
// it, so it has rules.
func getTheme(_ context.Context, in struct {
	Theme string `cookie:"theme" enum:"light,dark" default:"light"`
}) (look, error) {
	return look{in.Theme}, nil
}

func visit(_ context.Context, in struct{ Jar extract.SignedCookies }) (map[string]int, error) {
	text, _ := in.Jar.Get(visits.Name)
	n, _ := strconv.Atoi(text) // nobody else has written it
	return map[string]int{"visits": n + 1}, in.Jar.Set(visits.With(strconv.Itoa(n + 1)))
}

type secret struct {
	Note string `json:"note"`
}

func setNote(_ context.Context, in struct {
	Jar  extract.PrivateCookies
	Body secret
}) (tako.NoContent, error) {
	return tako.NoContent{}, in.Jar.Set(note.With(in.Body.Note))
}

// getNote makes the cookie anew after a rotation, so that the old key can be revoked.
func getNote(_ context.Context, in struct{ Jar extract.PrivateCookies }) (secret, error) {
	text, ok := in.Jar.Get(note.Name)
	if !ok {
		return secret{}, tako.NotFound("there is no note, or it cannot be read any more")
	}
	_, err := in.Jar.Reissue(note)
	return secret{text}, err
}

func app() (*tako.Router, error) {
	ring, err := extract.NewKeyRing(newKey("first")) // a real service has its keys from a secret store
	r := tako.New()
	tako.Supply(r, ring)
	tako.Get(r, "/theme", getTheme)
	tako.Put(r, "/theme", setTheme)
	tako.Get(r, "/visits", visit)
	tako.Get(r, "/note", getNote)
	tako.Put(r, "/note", setNote)
	addKeys(r, ring)
	return r, err
}

func main() {
	r, err := app()
	if err == nil {
		_, err = tako.Run(context.Background(), std.New(r, std.Config{}))
	}
	if err != nil {
		log.Fatal(err)
	}
}
