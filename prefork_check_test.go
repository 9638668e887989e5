package tako_test

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// owner is a server with sockets that nobody should ask for.
type owner struct{ *fakeServer }

func (owner) Sockets() ([]*os.File, error) { return nil, errBroken }

func (owner) Inherit([]*os.File) error { return errBroken }

func TestPreforkRefuses(t *testing.T) {
	t.Parallel()
	d := new(diary)
	tests := []struct {
		name    string
		prefork tako.Prefork
		server  tako.Server
	}{
		{"negative procs", tako.Prefork{Runner: quietly, Procs: -1}, owner{newFake(d, "a")}},
		{"negative delay", tako.Prefork{Runner: quietly, MinBackoff: -1}, owner{newFake(d, "a")}},
		{"delays the wrong way round", tako.Prefork{Runner: quietly, MinBackoff: time.Second, MaxBackoff: time.Millisecond}, owner{newFake(d, "a")}},
		{"negative exit timeout", tako.Prefork{Runner: quietly, ExitTimeout: -1}, owner{newFake(d, "a")}},
		{"negative drain", tako.Prefork{Runner: tako.Runner{Log: quiet, Drain: -1}}, owner{newFake(d, "a")}},
		{"no sockets to share", tako.Prefork{Runner: quietly}, newFake(d, "a")},
	}
	for _, tt := range tests {
		_, err := tt.prefork.Run(t.Context(), tt.server)
		if err == nil {
			t.Errorf("%s: got no error", tt.name)
		}
		assert.Equal(t, errors.Is(err, errors.ErrUnsupported), tt.name == "no sockets to share", tt.name)
	}
	assert.Equal(t, d.String(), "", "what happened to the servers")
}

func TestPreforkSystem(t *testing.T) {
	t.Parallel()
	d := new(diary)
	_, err := tako.Prefork{Runner: quietly}.Run(t.Context(), owner{newFake(d, "a")})
	if runtime.GOOS == "windows" {
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		assert.Equal(t, d.String(), "", "what happened to the server")
		return
	}
	assert.ErrorIs(t, err, errBroken)
	assert.Equal(t, d.String(), "a listens, a shuts down", "what happened to the server")
}
