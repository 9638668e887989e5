package jwt_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/auth/jwt"
)

// A service that accepts the tokens it has made itself.
func Example() {
	key := jwt.Key{ID: "2026-11", Algorithm: jwt.HS256, Key: []byte("an example, and so no secret at all")}
	verifier, err := jwt.New(jwt.Config{Keys: []jwt.Key{key}, Issuer: "reefs"})
	if err != nil {
		fmt.Println(err)
		return
	}
	type member struct {
		jwt.Registered
		Role string `json:"role"`
	}
	app := tako.New()
	tako.Supply(app, verifier)
	tako.Get(app, "/me", func(_ context.Context, in struct{ Auth jwt.Claims[member] }) (string, error) {
		return in.Auth.Value.Role + " " + in.Auth.Registered.Subject, nil
	})

	token, err := jwt.Sign(key, member{jwt.Registered{Issuer: "reefs", Subject: "octo", ExpiresAt: jwt.At(time.Now().Add(time.Minute))}, "keeper"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, sent := range []string{token, token[:len(token)-4]} {
		req := httptest.NewRequest(http.MethodGet, "/me", nil)
		req.Header.Set("Authorization", "Bearer "+sent)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, req)
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 401
}
