package main

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func newKey(id string) extract.Key {
	key := extract.Key{ID: id, Secret: make([]byte, extract.MinSecret)}
	rand.Read(key.Secret)
	return key
}

type active struct {
	Active string `json:"active"`
}

// addKeys changes the keys while others use them. A real service would not let
// everybody do so.
func addKeys(r *tako.Router, ring *extract.KeyRing) {
	tako.Post(r, "/keys", func(context.Context, struct{}) (active, error) {
		id := rand.Text()
		return active{id}, ring.Rotate(newKey(id))
	})
	tako.Delete(r, "/keys/{id}", func(_ context.Context, in tako.Path[string]) (tako.NoContent, error) {
		err := ring.Revoke(in.Value)
		if errors.Is(err, extract.ErrUnknownKey) {
			err = tako.NotFound("no such key")
		}
		return tako.NoContent{}, err
	})
}
