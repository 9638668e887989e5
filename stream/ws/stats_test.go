package ws_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/wsframe"
	"github.com/tako-go/tako/stream/ws"
)

func TestStats(t *testing.T) {
	meter := new(ws.Meter)
	rawly(t, ws.Config{Meter: meter}, func(t *testing.T, to *target, form string) {
		was := meter.Stats()
		c := openRaw(t, to, form)
		frame := masked(wsframe.OpText, true, "hello")
		c.write(frame)
		assert.Equal(t, c.next(), "text hello")
		is := meter.Stats()
		assert.Equal(t, is.Open, int64(1))
		assert.Equal(t, is.Opened-was.Opened, int64(1))
		assert.Equal(t, is.MessagesIn-was.MessagesIn, int64(1))
		assert.Equal(t, is.MessagesOut-was.MessagesOut, int64(1))
		assert.Equal(t, is.BytesIn-was.BytesIn, int64(len(frame)))
		c.write(closeFrame(4000, ""))
		assert.Equal(t, c.next(), "close 4000")
		assert.Eventually(t, patience, "it is over", func() bool { return meter.Stats().Open == 0 })
		is = meter.Stats()
		assert.Equal(t, is.Closed[4000]-was.Closed[4000], int64(1))
		assert.Equal(t, is.BytesOut-was.BytesOut, int64(7+4))
		assert.Eventually(t, patience, "no goroutine is left", func() bool { return meter.Stats().Goroutines == 0 })
		assert.Equal(t, is.Buffered, int64(0))
	})
}

// openMany opens sockets that say nothing.
func openMany(t *testing.T, to *target, path string, n int) {
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range n / 20 {
				openRaw(t, to, path)
			}
		})
	}
	all.Wait()
}

// On an event loop idle sockets have neither goroutines nor buffers; a stalled one has what
// Queue allows.
func TestIdleAndStalled(t *testing.T) {
	const idle, stalled = 5000, 500
	if testing.Short() {
		t.Skip("long")
	}
	meter := new(ws.Meter)
	to := start(t, "epoll", echoes(ws.Config{Meter: meter, WriteTimeout: time.Minute})(), plain)
	before := runtime.NumGoroutine()
	openMany(t, to, "/events", idle)
	assert.Eventually(t, patience, "all are open", func() bool { return meter.Stats().Open == idle })
	stats := meter.Stats()
	assert.Equal(t, stats.Goroutines, int64(0))
	assert.Equal(t, stats.Buffered, int64(0))
	if got := runtime.NumGoroutine(); got > before+50 {
		t.Errorf("got %d goroutines more", got-before)
	}
	large := masked(wsframe.OpBinary, true, strings.Repeat("x", 200<<10))
	var all sync.WaitGroup
	for range stalled {
		c := openRaw(t, to, "/events")
		all.Go(func() {
			for range 20 { // of which it reads nothing
				_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
				if _, err := c.conn.Write(large); err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	stats = meter.Stats()
	assert.Equal(t, stats.Goroutines, int64(0))
	if limit := int64(stalled * (1<<20 + 256<<10)); stats.Buffered > limit {
		t.Errorf("got %d bytes for %d stalled sockets", stats.Buffered, stalled)
	}
	t.Logf("%d stalled sockets have %d KiB each", stalled, stats.Buffered/stalled>>10)
}
