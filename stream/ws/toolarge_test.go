package ws_test

import (
	"bytes"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

// A peer that writes a message far beyond the limit, and reads only then, is not reset before
// it can see the 1009: what it sends is dropped up to a point, then it is held up for a while.
func TestWS07LargeMessageIsAnswered(t *testing.T) {
	chunk := bytes.Repeat([]byte("x"), 256<<10)
	rawly(t, ws.Config{MaxMessage: 1000}, func(t *testing.T, to *target, form string) {
		sent := func(size int, patient time.Duration) error {
			c := openRaw(t, to, form)
			c.write(wsframe.AppendHeader(nil, wsframe.Header{Fin: true, Op: 2, Masked: true, Length: int64(size)}))
			assert.NoError(t, c.conn.SetWriteDeadline(time.Now().Add(patient)))
			var err error
			for left := size; left > 0 && err == nil; left -= len(chunk) {
				_, err = c.conn.Write(chunk)
			}
			assert.Equal(t, c.next(), "close 1009", form, size)
			return err
		}
		whole, held := false, false
		for i := 0; i < 5 && !(whole && held); i++ { // a busy machine may let the server's wait pass first
			whole = whole || sent(8<<20, patience) == nil
			err := sent(4<<30, 200*time.Millisecond)
			held = held || errors.Is(err, os.ErrDeadlineExceeded)
		}
		assert.Equal(t, whole, true, "8 MiB are taken, ", form)
		assert.Equal(t, held, true, "4 GiB are held up, ", form)
	})
}
