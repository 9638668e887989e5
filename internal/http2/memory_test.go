package http2

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// footprint is what a connection keeps of what its client has sent and not taken.
func (p *peer) footprint() (held, room int) {
	for s := range p.pool.alive {
		held += len(s.body) - s.bodyAt + len(s.send) - s.sendAt
		room += cap(s.body) + cap(s.send)
	}
	return held, room
}

// TestMemory lets a client be as bad as it can, and demands that what is kept for it is what
// the package promises.
func TestMemory(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 7))
		p := connect(t, func(c *Config) {
			c.Streams, c.Window, c.MaxWindow, c.SendBuffer = 10, 20_000, 90_000, 10_000
			c.Resets, c.Controls = 1<<30, 1<<30
		})
		most := p.cfg.Streams*(p.cfg.Window+p.cfg.SendBuffer) + p.cfg.MaxWindow
		var handlers []*Stream
		id := uint32(1)
		peak := 0
		for range 20_000 {
			switch {
			case r.IntN(10) == 0:
				p.request(id, r.IntN(2) == 0, ask("POST", "x="+strings.Repeat("y", r.IntN(500)))...)
				id += 2
			case r.IntN(40) == 0 && id > 1:
				p.raw(frameReset, 0, 2*r.Uint32N(id/2)+1, u32(8))
			default:
				for _, s := range handlers {
					if s.Err() == nil && !s.Complete() && s.inbound.window > 0 {
						p.data(s.ID, false, strings.Repeat("x", int(min(s.inbound.window, maxFrame))))
						break
					}
				}
			}
			for s := p.Next(); s != nil; s = p.Next() {
				handlers = append(handlers, s)
				_ = s.Head(200, nil, -1, "")
			}
			handlers = slices.DeleteFunc(handlers, func(s *Stream) bool {
				_, _ = s.Write(make([]byte, 5000))
				switch r.IntN(100) {
				case 0:
					_, _ = readAll(s)
				case 1:
					if r.IntN(5) == 0 || s.Err() != nil {
						s.Reset(Cancel, "")
						s.Release()
						return true
					}
				}
				return false
			})
			p.frames()
			if p.Err() != nil {
				t.Fatalf("seed %d: %v", seed, p.Err())
			}
			held, room := p.footprint()
			peak = max(peak, held)
			if held > most || room > 2*most+p.cfg.Streams*2*keptBuffer {
				t.Fatalf("seed %d: %d bytes held with room for %d, %d are promised", seed, held, room, most)
			}
			if len(p.pool.alive) > p.cfg.Streams {
				t.Fatalf("seed %d: %d streams", seed, len(p.pool.alive))
			}
		}
		if peak < most/2 {
			t.Errorf("seed %d: the client was not bad: %d of %d bytes", seed, peak, most)
		}
		p.settle()
	}
}

// TestMemoryBeforeAck is the same promise for a client that does not acknowledge our
// SETTINGS and so may still send by the windows that were before.
func TestMemoryBeforeAck(t *testing.T) {
	p := newPeer(t, func(c *Config) { c.Streams, c.Window, c.MaxWindow = 10, 1000, 1000 })
	p.sent.WriteString(Preface)
	p.do(p.w.WriteSettings())
	for id := uint32(1); id < 20; id += 2 {
		p.post(id)
		for range 3 {
			p.data(id, false, strings.Repeat("x", maxFrame))
		}
	}
	if held, _ := p.footprint(); held > p.cfg.Streams*defaultWindow || p.Err() != nil {
		t.Errorf("%d bytes held, and %v", held, p.Err())
	}
}

// TestTableMemory demands that tables of the field compression are bounded whatever is
// put into them, and that streams give large buffers back.
func TestTableMemory(t *testing.T) {
	p := connect(t, func(c *Config) { c.Resets, c.Controls = 1<<30, 1<<30 })
	for id := uint32(1); id < 4000; id += 2 {
		p.raw(frameHeaders, flagEndHeaders|flagEndStream, id, strings.Repeat("\x40\x00\x00", 300))
	}
	if p.Err() != nil || p.Conn.dec.table.len() > defaultTable/entryCost || cap(p.Conn.dec.table.all) > 2*defaultTable/entryCost {
		t.Errorf("%v; %d entries, room for %d", p.Err(), p.Conn.dec.table.len(), cap(p.Conn.dec.table.all))
	}
	p.request(4001, true, ask("GET", "x-never="+strings.Repeat("a", 20_000))...) // in Huffman codes
	p.request(4003, true, ask("GET")...)
	if room := cap(p.Conn.dec.text); p.Err() != nil || room > 4*slabSize {
		t.Errorf("%v; room for %d bytes of text", p.Err(), room)
	}
	var s Stream
	s.body, s.send = make([]byte, keptBuffer+1), make([]byte, keptBuffer+1)
	s.init(&p.Conn, 1)
	if s.body != nil || s.send != nil {
		t.Error("large buffers are kept for the next stream")
	}
}

// TestMemoryOfResetStreams demands that a body which nobody can read any more is not kept
// until the handler returns, as the growth of its window is given to others.
func TestMemoryOfResetStreams(t *testing.T) {
	p := connect(t, func(c *Config) { c.Streams, c.Window, c.MaxWindow = 10, 1000, 64_000 })
	for id := uint32(1); id < 20; id += 2 {
		s := p.post(id)
		for range 200 { // it grows as far as it may
			p.data(id, false, strings.Repeat("x", int(min(s.inbound.window, maxFrame))))
			_, _ = readAll(s)
		}
		for s.inbound.window > 0 {
			p.data(id, false, strings.Repeat("x", int(min(s.inbound.window, maxFrame))))
		}
		p.raw(frameReset, 0, id, u32(8))
		p.frames()
	}
	if held, _ := p.footprint(); held > p.cfg.Streams*p.cfg.Window+p.cfg.MaxWindow || p.Err() != nil {
		t.Errorf("%d bytes held, and %v", held, p.Err())
	}
}
