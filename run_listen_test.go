package tako_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
)

// All addresses are known when OnListen is called.
func TestRunnerOnListen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	a := std.New(tako.New(), std.Config{Addr: "127.0.0.1:0"})
	b := std.New(tako.New(), std.Config{Addr: "127.0.0.1:0"})
	var addrs []string
	runner := tako.Runner{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), OnListen: func() {
		addrs = append(addrs, a.Addr().String(), b.Addr().String())
		cancel()
	}}
	_, err := runner.Run(ctx, a, b)
	assert.NoError(t, err)
	assert.Equal(t, len(addrs), 2)
	assert.Equal(t, addrs[0] != addrs[1], true)

	bad := std.New(tako.New(), std.Config{Addr: "127.0.0.1:1:1"})
	runner.OnListen = func() { t.Error("OnListen called although a server does not listen") }
	_, err = runner.Run(t.Context(), bad)
	assert.Equal(t, err != nil, true)
}
