package main

import (
	"errors"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/stream/ws"
	"github.com/tako-go/tako/takotest"
)

func hears(t *testing.T, c *ws.Conn, want line) {
	t.Helper()
	got, err := ws.ReadJSON[line](t.Context(), c)
	assert.NoError(t, err)
	assert.Equal(t, got, want)
}

func TestChat(t *testing.T) {
	server := loop.New(app(), loop.Config{Addr: "127.0.0.1:0"})
	takotest.Run(t, server)
	join := func(target string) (*ws.Conn, error) {
		c, _, err := ws.Dial(t.Context(), "ws://"+server.Addr().String()+target, nil)
		return c, err
	}
	ann, err := join("/rooms/reef?name=Ann")
	assert.NoError(t, err)
	hears(t, ann, line{"", "Ann is here"})
	bob, err := join("/rooms/reef?name=Bob")
	assert.NoError(t, err)
	hears(t, ann, line{"", "Bob is here"})
	hears(t, bob, line{"", "Bob is here"})
	elsewhere, err := join("/rooms/deep?name=Cy")
	assert.NoError(t, err)
	hears(t, elsewhere, line{"", "Cy is here"})

	assert.NoError(t, ws.WriteJSON(t.Context(), bob, said{"hello"}))
	hears(t, ann, line{"Bob", "hello"})
	hears(t, bob, line{"Bob", "hello"})
	assert.NoError(t, bob.Close(ws.CodeNormal, ""))
	hears(t, ann, line{"", "Bob has left"})

	assert.NoError(t, ws.WriteJSON(t.Context(), ann, said{""}))
	_, _, err = ann.Read(t.Context())
	assert.Equal(t, ws.CodeOf(err), ws.CodePolicy)
	assert.NoError(t, elsewhere.Close(ws.CodeNormal, ""))

	_, err = join("/rooms/reef")
	refused, ok := errors.AsType[*ws.HandshakeError](err)
	assert.Equal(t, ok && refused.Status == 400, true, err)
}

func TestPage(t *testing.T) {
	server := loop.New(app(), loop.Config{Addr: "127.0.0.1:0"})
	takotest.Run(t, server).Get("/").Expect(200)
}
