package main

import (
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
	"github.com/tako-go/tako/takotest"
)

func TestAnswers(t *testing.T) {
	for _, runtime := range []string{"std", "loop"} {
		server, err := newServer(runtime, "127.0.0.1:0")
		assert.NoError(t, err)
		takotest.Run(t, server)
		for _, tt := range []struct{ path, text, want string }{
			{"/echo", "hello", "hello"},
			{"/lines", "hello", "1: hello"},
			{"/sum", `{"a":1,"b":2}`, `{"sum":3}`},
		} {
			got, err := ask(t.Context(), "ws://"+server.Addr().String()+tt.path, tt.text)
			assert.NoError(t, err, runtime, tt.path)
			assert.Equal(t, got, tt.want, runtime, tt.path)
		}
		_, err = ask(t.Context(), "ws://"+server.Addr().String()+"/sum", `{"a":-1,"b":2}`)
		assert.Equal(t, ws.CodeOf(err), ws.CodePolicy, runtime)
	}
}

func TestUnknownRuntime(t *testing.T) {
	_, err := newServer("turbo", "")
	assert.Contains(t, err.Error(), "turbo")
}
