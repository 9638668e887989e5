package tako_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// A function that ends its goroutine breaks its stream off, which is told, whichever it is.
func TestEventsExit(t *testing.T) {
	t.Parallel()
	exit := func(*watched) { runtime.Goexit() }
	drain := func(t *testing.T, rig *eventRig) {
		go func() { _, _ = rig.server.Shutdown(context.Background()) }()
	}
	for name, test := range map[string]struct {
		set func(w *watched)
		act func(t *testing.T, rig *eventRig)
	}{
		"open":  {set: func(w *watched) { w.begin = exit }},
		"end":   {func(w *watched) { w.end = exit }, func(t *testing.T, rig *eventRig) { assert.NoError(t, rig.conn.(*net.TCPConn).CloseWrite()) }},
		"drain": {func(w *watched) { w.drain = exit }, drain},
		"do":    {func(*watched) {}, func(t *testing.T, rig *eventRig) { assert.NoError(t, rig.w.Do(runtime.Goexit)) }},
		"writable": {func(w *watched) {
			w.full = exit
			w.data = func(w *watched, _ []byte) {
				for {
					if _, err := w.Write(make([]byte, 64)); err != nil {
						assert.ErrorIs(t, err, tako.ErrFull)
						return
					}
				}
			}
		}, func(t *testing.T, rig *eventRig) { _, _ = io.WriteString(rig.conn, "x") }},
	} {
		t.Run(name, func(t *testing.T) {
			onStreams(t, func() *watched {
				w := newWatched()
				test.set(w)
				return w
			}, tako.EventConfig{Unsent: 100}, nil, "", func(t *testing.T, rig *eventRig) {
				if test.act != nil {
					test.act(t, rig)
				}
				_, _ = io.Copy(io.Discard, rig.r)
				if err := rig.closed(t); err == nil {
					t.Error("closed without an error")
				}
				assert.ErrorIs(t, rig.w.Do(func() {}), net.ErrClosed)
			})
		})
	}
}

// What is written at once, and read at once, may be more than buffers have room for.
func TestEventsLarge(t *testing.T) {
	t.Parallel()
	sizes := []int{1, 4095, 4096, 4097, 16392, 32 << 10, 70_000, 300_000, 900_000, 5}
	onStreams(t, newWatched, tako.EventConfig{}, nil, "", func(t *testing.T, rig *eventRig) {
		for _, size := range sizes {
			p := make([]byte, size)
			for i := range p {
				p[i] = byte(i ^ i>>8 ^ size)
			}
			go func() { _, _ = rig.conn.Write(p) }()
			assert.Equal(t, rig.read(t, size) == string(p), true, "echo", size)
			assert.NoError(t, rig.w.Do(func() {
				for rest := p; len(rest) > 0; rest = rest[min(len(rest), 3000):] {
					_, err := rig.w.Write(rest[:min(len(rest), 3000)])
					assert.NoError(t, err)
				}
			}))
			assert.Equal(t, rig.read(t, size) == string(p), true, "in pieces", size)
		}
	})
}
