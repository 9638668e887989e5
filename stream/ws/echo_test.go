package ws_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// Messages of all sizes come back, in both forms, on all carriers, with compression of each
// kind and without.
func TestEcho(t *testing.T) {
	kinds := map[string]ws.Compression{"": {}, "deflate": {Enabled: true}, "deflate-alone": {Enabled: true, NoContextTakeover: true}}
	for kind, compression := range kinds {
		t.Run("with"+kind, func(t *testing.T) {
			cfg := ws.Config{Compression: compression, MaxMessage: 2 << 20}
			everywhere(t, echoes(cfg), func(t *testing.T, to *target) {
				for _, form := range forms {
					c := to.open(t, form, ws.DialConfig{Config: cfg})
					for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
						want := strings.Repeat("tako ", size/5+1)[:size]
						for _, typ := range []ws.Type{ws.Text, ws.Binary} {
							assert.NoError(t, c.Write(within(t), typ, []byte(want)))
							got, p, err := c.Read(within(t))
							assert.NoError(t, err, form, size)
							assert.Equal(t, got, typ)
							assert.Equal(t, string(p) == want, true, form, size)
						}
					}
					assert.NoError(t, ping(t, c))
					assert.NoError(t, c.Close(ws.CodeNormal, "done"))
					_, _, err := c.Read(within(t))
					assert.ErrorIs(t, err, ws.ErrClosed)
					assert.Equal(t, ws.CodeOf(err), ws.CodeNormal)
				}
			})
		})
	}
}

// The close frame of a client is answered, and told.
func TestCloseByClient(t *testing.T) {
	everywhere(t, echoes(ws.Config{}), func(t *testing.T, to *target) {
		for _, form := range forms {
			c := to.open(t, form, ws.DialConfig{})
			assert.NoError(t, c.Close(4321, "bye"))
			err := c.Write(within(t), ws.Text, []byte("late"))
			assert.ErrorIs(t, err, ws.ErrClosed)
			closed, ok := errors.AsType[*ws.CloseError](err)
			assert.Equal(t, ok && closed.Code == 4321, true, err)
		}
	})
}
