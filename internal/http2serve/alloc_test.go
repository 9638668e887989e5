//go:build !race

package http2serve_test

import (
	"context"
	"encoding/binary"
	"net/http"
	"runtime"
	"testing"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// The header blocks of the first GET, which puts authority and path in the table, and of those
// that follow.
func firstGet(path string) []byte {
	return append([]byte{0x82, 0x86, 0x41, 1, 'a', 0x44, byte(len(path))}, path...)
}

var laterGet = []byte{0x82, 0x86, 0xbf, 0xbe}

// measured sends requests in batches without allocating, and returns how often the server has
// for each of them.
func measured(t *testing.T, s *server, path string, batch int) float64 {
	t.Helper()
	warm, rounds := 2000/batch, 10000/batch
	c := s.dial(t, "h2")
	setup := newBatch(frames(t, c))
	setup.out.WriteString(http2.ClientPreface)
	_ = setup.fr.WriteSettings()
	_ = setup.fr.WriteSettingsAck()
	_ = setup.fr.WriteWindowUpdate(0, 1<<30)
	_ = setup.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: firstGet(path), EndHeaders: true, EndStream: true})
	_, err := c.Write(setup.out.Bytes())
	assert.NoError(t, err)
	setup.c.answered(200, 1)

	block := laterGet
	var out []byte
	for range batch {
		out = append(out, 0, 0, byte(len(block)), 1, 5, 0, 0, 0, 0)
		out = append(out, block...)
	}
	size := 9 + len(block)
	id := uint32(3)
	in := make([]byte, 64<<10)
	have := 0
	round := func() {
		for i := range batch {
			binary.BigEndian.PutUint32(out[i*size+5:], id)
			id += 2
		}
		if _, err := c.Write(out); err != nil {
			t.Fatal(err)
		}
		for ended := 0; ended < batch; {
			n, err := c.Read(in[have:])
			if err != nil {
				t.Fatal(err)
			}
			have += n
			at := 0
			for have-at >= 9 {
				length := int(in[at])<<16 | int(in[at+1])<<8 | int(in[at+2])
				if have-at < 9+length {
					break
				}
				if (in[at+3] == 0 || in[at+3] == 1) && in[at+4]&1 != 0 {
					ended++
				}
				at += 9 + length
			}
			have = copy(in, in[at:have])
		}
	}
	for range warm {
		round()
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		round()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(batch*rounds)
}

// What a request costs in allocations after the warm-up. Pools are emptied by garbage
// collection, and dates change, so a few among thousands are nobody's fault. A connection
// that a goroutine drives gives its buffers back when it has nothing under way, and pays for
// that with the next request.
func TestAllocations(t *testing.T) {
	leavesNothing(t)
	type out struct {
		Message string `json:"message"`
	}
	for _, k := range clearTargets {
		t.Run(k.name, func(t *testing.T) {
			if k.poller != "" && runtime.GOOS != "linux" {
				t.Skip("event loops need Linux")
			}
			app := tako.New()
			app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") }, tako.Inline())
			app.Get("/r", func(c *tako.Context) error {
				_, err := c.WriteString("hello")
				return err
			}, tako.Inline())
			tako.Handle(app, "GET", "/t", func(context.Context, struct{}) (out, error) { return out{"hello"}, nil }, tako.Inline())
			s := k.serve(t, app, config{})
			again := 0.0 // buffers, when requests come one by one
			if k.poller == "" {
				again = 4
			}
			for _, tt := range []struct {
				path  string
				batch int
				most  float64
			}{{"/", 50, 0 + again/10}, {"/r", 50, 0 + again/10}, {"/t", 50, 1 + again/10}, {"/", 1, 0 + again}, {"/r", 1, 0 + again}, {"/t", 1, 1 + again}} {
				if got := measured(t, s, tt.path, tt.batch); got > tt.most+0.05 {
					t.Errorf("GET %s, %d at once: %.2f allocations a request, the budget is %v", tt.path, tt.batch, got, tt.most)
				}
			}
		})
	}
}
