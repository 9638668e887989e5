package main

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/tako-go/tako/auth/jwt"
	"github.com/tako-go/tako/extract"
)

var (
	salt   = []byte("one for each user, in a real service")
	hashes = map[string]string{"ada": hash("calm water")}
	decoy  = hash("the password of nobody")
)

func hash(password string) string {
	key, err := pbkdf2.Key(sha256.New, password, salt, 10_000, 32)
	if err != nil {
		panic(err) // of a length that there is not
	}
	return hex.EncodeToString(key)
}

type token struct {
	Token string `json:"token"`
}

// issue gives tokens to users with a password. Who is not known takes as long to refuse as
// who is.
func issue(key jwt.Key) func(context.Context, extract.Basic) (token, error) {
	return func(_ context.Context, in extract.Basic) (token, error) {
		ok := extract.CheckPassword(hashes[in.User], decoy, func(stored string) bool {
			return extract.Equal(hash(in.Password), stored)
		})
		if !ok {
			return token{}, in.Refuse(errWrong)
		}
		text, err := jwt.Sign(key, claims{jwt.Registered{Issuer: "reef", Subject: in.User, Audience: []string{"reef"},
			ExpiresAt: jwt.At(time.Now().Add(time.Hour))}, "diver"})
		return token{text}, err
	}
}
