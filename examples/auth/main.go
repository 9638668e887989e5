// Command auth shows who asks, in four ways: a user and password (Basic) that buy a
// token, the token (JWT) that makes a member, an opaque token (Bearer), and an API
// key. Each is an extractor that only reads; what is accepted is said here. They
// describe themselves at /docs.
//
//	go run ./examples/auth
//	curl -X POST -u ada:'calm water' localhost:8080/tokens
//	curl -H "Authorization: Bearer $TOKEN" localhost:8080/me
//	curl -H 'X-Export-Key: key-of-the-aquarium' localhost:8080/export
//	curl -H 'Authorization: Bearer scrape-me' localhost:8080/metrics
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/auth/jwt"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/runtime/std"
)

// errWrong is for the log: clients are not told what is wrong.
var errWrong = errors.New("not known here")

// claims is what tokens say beside whom they speak of.
type claims struct {
	jwt.Registered
	Role string `json:"role"`
}

// member is who has a token. Handlers take it without knowing how it came about.
type member struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

func authenticate(_ context.Context, in struct{ Auth jwt.Claims[claims] }) (member, error) {
	return member{in.Auth.Registered.Subject, in.Auth.Value.Role}, nil
}

func me(_ context.Context, in struct{ Me member }) (member, error) { return in.Me, nil }

// exportKey says where the API key stands.
type exportKey struct{}

func (exportKey) KeyPlace() (in, name string) { return "header", "X-Export-Key" }

func export(_ context.Context, in struct{ Auth extract.APIKeyFrom[exportKey] }) ([]string, error) {
	if !extract.Equal(in.Auth.Key, "key-of-the-aquarium", "key-of-the-museum") {
		return nil, in.Auth.Refuse(errWrong)
	}
	return []string{"ada"}, nil
}

func metrics(_ context.Context, in struct{ Auth extract.Bearer }) (map[string]int, error) {
	if !extract.Equal(in.Auth.Token, "scrape-me") {
		return nil, in.Auth.Refuse(errWrong)
	}
	return map[string]int{"users": len(hashes)}, nil
}

func app() (*tako.Router, error) {
	key := jwt.Key{Algorithm: jwt.HS256, Key: make([]byte, 32)} // of this process: tokens end with it
	rand.Read(key.Key.([]byte))
	verifier, err := jwt.New(jwt.Config{Keys: []jwt.Key{key}, Issuer: "reef", Audience: []string{"reef"}, Realm: "reef"})
	if err != nil {
		return nil, err
	}
	r := tako.New()
	tako.Supply(r, verifier)
	tako.Provide(r, authenticate)
	tako.Post(r, "/tokens", issue(key), tako.Summary("Buy a token"))
	tako.Get(r, "/me", me, tako.Summary("Who am I?"))
	tako.Get(r, "/export", export, tako.Summary("All users"))
	tako.Get(r, "/metrics", metrics, tako.Summary("Numbers"))
	openapi.Mount(r, "/docs", openapi.Config{Title: "Who asks?"})
	return r, nil
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
