package ws_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// lobby is an app whose sockets all join the room "all".
func lobby(t testing.TB, hub *ws.Hub, cfg ws.Config) *tako.Router {
	app := tako.New()
	app.Get("/events", ws.Events{OnOpen: func(c *ws.Conn) { assert.NoError(t, hub.Join("all", c)) }}.Handler(cfg))
	return app
}

func TestHub(t *testing.T) {
	for _, compression := range []ws.Compression{{}, {Enabled: true}, {Enabled: true, NoContextTakeover: true}} {
		var hub *ws.Hub
		cfg := ws.Config{Compression: compression}
		everywhere(t, func() *tako.Router {
			hub = new(ws.Hub)
			return lobby(t, hub, cfg)
		}, func(t *testing.T, to *target) {
			var all []*ws.Conn
			for range 3 {
				all = append(all, to.open(t, "/events", ws.DialConfig{Config: cfg}))
			}
			assert.Eventually(t, patience, "all are in", func() bool { return hub.Members("all") == 3 })
			for i := range 20 {
				text := strings.Repeat(fmt.Sprint("news ", i), 100)
				assert.Equal(t, hub.Broadcast("all", ws.Prepare(ws.Text, []byte(text))), 3)
			}
			for i := range 20 {
				for _, c := range all {
					_, p, err := c.Read(within(t))
					assert.NoError(t, err)
					assert.Equal(t, string(p), strings.Repeat(fmt.Sprint("news ", i), 100))
				}
			}
			assert.NoError(t, all[0].Close(ws.CodeNormal, ""))
			assert.Eventually(t, patience, "one has left", func() bool { return hub.Members("all") == 2 })
			assert.Equal(t, hub.Broadcast("none", ws.Prepare(ws.Text, nil)), 0)
		})
	}
}

// One that does not read gets what the policy says; the others get everything, at once.
func TestWS10Stalled(t *testing.T) {
	const messages, queue, size = 1500, 32, 16 << 10
	for _, policy := range []ws.Policy{ws.Disconnect, ws.DropNewest, ws.DropOldest} {
		for _, runtime := range http1 {
			t.Run(fmt.Sprint(policy, runtime), func(t *testing.T) {
				hub, meter := &ws.Hub{Queue: queue, Full: policy}, new(ws.Meter)
				to := start(t, runtime, lobby(t, hub, ws.Config{Meter: meter, CloseTimeout: 300 * time.Millisecond, WriteTimeout: time.Minute}), plain)
				openRaw(t, to, "/events") // never reads
				reader := to.open(t, "/events", ws.DialConfig{})
				assert.Eventually(t, patience, "both are in", func() bool { return hub.Members("all") == 2 })
				for i := range messages {
					p := ws.Prepare(ws.Binary, []byte(fmt.Sprintf("%d %s", i, strings.Repeat("x", size))))
					hub.Broadcast("all", p)
					_, got, err := reader.Read(within(t)) // the others are not delayed
					assert.NoError(t, err)
					assert.Equal(t, strings.HasPrefix(string(got), fmt.Sprintf("%d x", i)), true)
				}
				stats := hub.Stats()
				if policy == ws.Disconnect {
					assert.Equal(t, stats.Disconnected, int64(1))
					assert.Eventually(t, patience, "it is gone", func() bool { return hub.Members("all") == 1 })
				} else {
					assert.Equal(t, stats.Disconnected, int64(0))
					if stats.Dropped < messages/4 {
						t.Errorf("got %d dropped", stats.Dropped)
					}
				}
				if got := meter.Stats().Buffered; got > 512<<10 {
					t.Errorf("got %d bytes buffered", got)
				}
			})
		}
	}
}

// Memory stays flat when very many messages go to slow members.
func TestHubMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	hub := &ws.Hub{Full: ws.DropOldest}
	meter := new(ws.Meter)
	to := start(t, "epoll", lobby(t, hub, ws.Config{Meter: meter, WriteTimeout: tako.NoLimit, PingInterval: tako.NoLimit}), plain)
	const members = 20
	for range members {
		openRaw(t, to, "/events")
	}
	assert.Eventually(t, patience, "all are in", func() bool { return hub.Members("all") == members })
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	send := func(n int) {
		for range n {
			hub.Broadcast("all", ws.Prepare(ws.Binary, make([]byte, 1000)))
		}
	}
	send(20000)
	before := heap()
	send(30000)
	if after := heap(); after > before+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	if stats := hub.Stats(); stats.Dropped == 0 || stats.Members != members {
		t.Errorf("got %+v", stats)
	}
}
