package http2

import (
	"fmt"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

func TestStreamsLimit(t *testing.T) {
	p := connect(t, func(c *Config) { c.Streams = 2 })
	first, second := p.get(1), p.post(3)
	p.request(5, true, ask("GET", "x-new=1")...)
	p.want("RST_STREAM 5 REFUSED_STREAM")
	p.data(5, true, "was on its way")
	p.request(5, true, "a=trailer")
	p.want()
	p.raw(frameReset, 0, 3, u32(8))
	p.request(7, true, ask("GET")...)
	p.want("RST_STREAM 7 REFUSED_STREAM") // the handler of 3 has not returned
	second.Release()
	third := p.get(9, "x-new=1", "a=trailer")
	assert.Equal(t, spelt(third), "GET https a.example / x-new=1 a=trailer", "what refused requests have put into the table counts")
	answer(first)
	answer(third)
	assert.Equal(t, p.Streams(), 0)
	p.settle()
}

// TestHeaderLimits refuses requests that are too large, and keeps the tables in step.
func TestHeaderLimits(t *testing.T) {
	pseudo := 4*entryCost + len(":methodGET:schemehttps:authoritya.example:path/")
	tests := []struct {
		name   string
		change func(*Config)
		more   []string
		want   string
	}{
		{"HeaderBytes, just", func(c *Config) { c.HeaderBytes = pseudo + entryCost + 101 }, []string{"a=" + strings.Repeat("x", 100)}, "request"},
		{"HeaderBytes, one more", func(c *Config) { c.HeaderBytes = pseudo + entryCost + 100 }, []string{"a=" + strings.Repeat("x", 100)}, "431"},
		{"HeaderBytes, none", func(c *Config) { c.HeaderBytes = -1 }, []string{"a=" + strings.Repeat("x", 10_000)}, "request"},
		{"HeaderFields, just", func(c *Config) { c.HeaderFields = 2 }, []string{"a=1", "b=2"}, "request"},
		{"HeaderFields, one more", func(c *Config) { c.HeaderFields = 2 }, []string{"a=1", "b=2", "c=3"}, "431"},
		{"HeaderFields, many more", func(c *Config) { c.HeaderFields = 2 }, []string{"a=1", "b=2", "c=3", "d=4"}, "431"},
		{"HeaderFields, crumbs are one", func(c *Config) { c.HeaderFields = 2 }, []string{"a=1", "cookie=1", "cookie=2", "cookie=3"}, "request"},
		{"HeaderFields, none", func(c *Config) { c.HeaderFields = -1 }, strings.Fields(strings.Repeat("a=1 ", 300)), "request"},
		{"malformed before it is too large", func(c *Config) { c.HeaderFields = 2 }, []string{"A=1", "b=2", "c=3", "d=4"}, streamProtocol},
		{"malformed behind", func(c *Config) { c.HeaderFields = 2 }, []string{"a=1", "b=2", "c=3", "d=4", "E=5"}, "431"},
	}
	for _, test := range tests {
		for _, end := range []bool{true, false} {
			t.Run(fmt.Sprint(test.name, " ", end), func(t *testing.T) {
				p := connect(t, test.change)
				p.request(1, end, ask("GET", test.more...)...)
				got := p.verdict()
				assert.Equal(t, got, test.want)
				if got == "request" {
					return
				}
				assert.Equal(t, p.Refused(), 1)
				if !end {
					p.data(1, false, "on its way")
				}
				again := "a=1"
				if strings.HasPrefix(test.name, "HeaderBytes") {
					again = "x-new=1"
				}
				p.frames()
				assert.Equal(t, spelt(p.get(3, again)), "GET https a.example / "+again, "HPACK is in step")
				p.settle()
			})
		}
	}
	t.Run("the answer", func(t *testing.T) {
		p := connect(t, func(c *Config) { c.HeaderFields = 1 })
		p.request(1, false, ask("POST", strings.Fields(strings.Repeat("a=1 ", 9))...)...)
		p.want("HEADERS 1 :status=431 content-length=0 END")
		p.data(1, false, "more")
		p.want()
		p.Tick(p.clock)
		p.Tick(p.clock + lingerFor)
		p.want("RST_STREAM 1 NO_ERROR")
		p.settle()
	})
	t.Run("trailers", func(t *testing.T) {
		for n, want := range map[int]string{2: "", 3: streamProtocol} {
			p := connect(t, func(c *Config) { c.HeaderFields = 2 })
			p.post(1)
			p.request(1, true, []string{"a=1", "b=2", "c=3"}[:n]...)
			assert.Equal(t, p.verdict(), want, n, " trailer fields")
		}
	})
}

// TestContinuation bounds header blocks of many frames.
func TestContinuation(t *testing.T) {
	fragments := func(p *peer, n, size int) {
		p.raw(frameHeaders, flagEndStream, 1, "")
		for range n {
			if p.Err() == nil {
				p.raw(frameContinuation, 0, 1, strings.Repeat("\x20", size)) // the table has 0 bytes, again and again
			}
		}
	}
	tests := []struct {
		name    string
		bytes   int // HeaderBytes
		n, size int
		want    string
	}{
		{"frames, just", 1 << 10, 15, 10, ""},
		{"frames, one more", 1 << 10, 16, 10, connCalm},
		{"empty ones", 1 << 10, 16, 0, connCalm},
		{"bytes, just", 1 << 10, 4, maxFrame, ""},
		{"bytes, one more frame", 1 << 10, 5, maxFrame, connCalm},
		{"frames of a larger limit, just", 64 << 10, 63, 10, ""},
		{"frames of a larger limit, one more", 64 << 10, 64, 10, connCalm},
		{"bytes of a larger limit, just", 64 << 10, 16, maxFrame, ""},
		{"bytes of a larger limit, one more frame", 64 << 10, 17, maxFrame, connCalm},
		{"without limit, just", -1, 256, maxFrame, ""},
		{"without limit, one more frame", -1, 257, maxFrame, connCalm},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, func(c *Config) { c.HeaderBytes = test.bytes })
			fragments(p, test.n, test.size)
			assert.Equal(t, p.verdict(), test.want)
			if test.want == "" {
				assert.Equal(t, p.InBlock(), true)
			}
		})
	}
	t.Run("split anywhere", func(t *testing.T) {
		block := string(connect(t, nil).pack(ask("GET", "a=b", "user-agent=some")...))
		for i := range len(block) + 1 {
			p := connect(t, nil)
			p.do(p.w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: 1, EndStream: true, PadLength: 7, BlockFragment: []byte(block[:i]),
				Priority: xhttp2.PriorityParam{StreamDep: 9, Weight: 3}}))
			p.do(p.w.WriteContinuation(1, i%2 == 0, []byte(block[i:])))
			if i%2 == 1 {
				p.do(p.w.WriteContinuation(1, true, nil))
			}
			assert.Equal(t, spelt(p.take(1)), "GET https a.example / a=b user-agent=some")
		}
	})
	t.Run("depends on itself", func(t *testing.T) {
		p := connect(t, nil)
		block := u32(1) + "\x10" + string(p.pack(ask("GET")...))
		p.raw(frameHeaders, flagPriority|flagEndStream, 1, block[:20])
		p.raw(frameContinuation, flagEndHeaders, 1, block[20:])
		p.want("RST_STREAM 1 PROTOCOL_ERROR")
	})
}

// glitches are what a client may cause a limited number of times.
var glitches = map[string]func(p *peer, id uint32){
	"RST_STREAM": func(p *peer, id uint32) { p.request(id, true, ask("GET")...); p.raw(frameReset, 0, id, u32(8)) },
	"RST_STREAM of a running handler": func(p *peer, id uint32) {
		s := p.post(id)
		p.raw(frameReset, 0, id, u32(8))
		s.Release()
	},
	"malformed": func(p *peer, id uint32) { p.request(id, true, "a=b") },
	"no body":   func(p *peer, id uint32) { p.request(id, true, ask("GET", "content-length=9")...) },
	"WINDOW_UPDATE of nothing": func(p *peer, id uint32) {
		s := p.post(id)
		p.raw(frameWindowUpdate, 0, id, u32(0))
		s.Release()
	},
	"WINDOW_UPDATE of too much": func(p *peer, id uint32) {
		s := p.post(id)
		p.raw(frameWindowUpdate, 0, id, u32(maxWindow))
		s.Release()
	},
	"PRIORITY on itself": func(p *peer, id uint32) {
		s := p.post(id)
		p.raw(framePriority, 0, id, u32(id)+"\x01")
		s.Release()
	},
	"too much DATA": func(p *peer, id uint32) {
		s := p.post(id)
		for range 5 {
			p.data(id, false, strings.Repeat("x", maxFrame))
		}
		s.Release()
	},
	"DATA behind the end": func(p *peer, id uint32) {
		s := p.get(id)
		p.data(id, false, "x")
		s.Release()
	},
	"DATA of a closed stream": func(p *peer, id uint32) {
		if id == 1 {
			answer(p.get(1))
			p.resets.left = p.cfg.Resets
			return
		}
		p.request(id, true, ask("GET")...)
		p.resets.left++ // but for this reset
		p.raw(frameReset, 0, id, u32(8))
		p.data(id, false, "x")
	},
}

func TestResetsLimit(t *testing.T) {
	for name, glitch := range glitches {
		t.Run(name, func(t *testing.T) {
			p := connect(t, func(c *Config) { c.Resets = 7 })
			id := uint32(1)
			once := func() {
				glitch(p, id)
				id += 2
			}
			if name == "DATA of a closed stream" {
				once()
			}
			for range 7 {
				once()
			}
			if p.Err() != nil {
				t.Fatalf("got %v after as many as are allowed", p.Err())
			}
			p.clock += 20 // that many milliseconds allow another
			p.frames()
			once()
			if p.Err() != nil {
				t.Fatalf("got %v after as many as are allowed, and one more for the time", p.Err())
			}
			once()
			assert.Equal(t, p.verdict(), connCalm)
			p.settle()
		})
	}
	t.Run("answered streams", func(t *testing.T) {
		p := connect(t, func(c *Config) { c.Resets = 1 })
		for id := uint32(1); id < 200; id += 4 {
			answer(p.get(id))
			p.raw(frameReset, 0, id, u32(8)) // late: not of a stream that we know
			p.request(id+2, true, ask("GET")...)
			p.raw(frameReset, 0, id+2, u32(8))
			assert.NoError(t, p.Err())
		}
	})
	t.Run("refused", func(t *testing.T) {
		p := connect(t, func(c *Config) { c.Resets, c.Streams = 7, 1 })
		p.get(1)
		for id := uint32(3); id < 17; id += 2 {
			p.request(id, true, ask("GET")...)
		}
		assert.NoError(t, p.Err())
		p.request(17, true, ask("GET")...)
		assert.Equal(t, p.verdict(), connCalm)
	})
}

// TestControlsLimit sends frames that carry nothing.
func TestControlsLimit(t *testing.T) {
	controls := map[string]func(p *peer){
		"PING":                         func(p *peer) { p.raw(framePing, 0, 0, "12345678") },
		"PING ACK":                     func(p *peer) { p.raw(framePing, flagAck, 0, "12345678") },
		"PING ACK of no PING":          func(p *peer) { p.raw(framePing, flagAck, 0, pingAlive) },
		"PING ACK of no drain":         func(p *peer) { p.raw(framePing, flagAck, 0, pingDrain) },
		"SETTINGS":                     func(p *peer) { p.raw(frameSettings, 0, 0, "") },
		"SETTINGS ACK":                 func(p *peer) { p.raw(frameSettings, flagAck, 0, "") },
		"PRIORITY":                     func(p *peer) { p.raw(framePriority, 0, 1, u32(9)+"\x10") },
		"PRIORITY_UPDATE":              func(p *peer) { p.raw(framePriorityUpdate, 0, 0, u32(1)+"u=1") },
		"GOAWAY":                       func(p *peer) { p.raw(frameGoAway, 0, 0, u32(0, 0)) },
		"unknown":                      func(p *peer) { p.raw(0x77, 0, 0, "") },
		"empty DATA":                   func(p *peer) { p.data(1, false, "") },
		"empty DATA of a reset stream": func(p *peer) { p.data(3, true, "") },
		"DATA of padding":              func(p *peer) { p.raw(frameData, flagPadded, 1, "\x00") },
		"WINDOW_UPDATE":                func(p *peer) { p.raw(frameWindowUpdate, 0, 0, u32(1)) },
		"WINDOW_UPDATE of a stream":    func(p *peer) { p.raw(frameWindowUpdate, 0, 1, u32(1)) },
		"large WINDOW_UPDATE":          func(p *peer) { p.raw(frameWindowUpdate, 0, 0, u32(600)) },
		"RST_STREAM of a closed one":   func(p *peer) { p.raw(frameReset, 0, 1, u32(8)) },
		"HEADERS of a reset stream":    func(p *peer) { p.request(3, true, "a=b") },
		"WINDOW_UPDATE of a gone one":  func(p *peer) { p.raw(frameWindowUpdate, 0, 3, u32(1)) },
		"PRIORITY of an idle one":      func(p *peer) { p.raw(framePriority, 0, 99, u32(9)+"\x10") },
		"PRIORITY_UPDATE of idle ones": func(p *peer) { p.raw(framePriorityUpdate, 0, 0, u32(99)+"u=1") },
	}
	for name, send := range controls {
		t.Run(name, func(t *testing.T) {
			p := connect(t, func(c *Config) { c.Controls = 10 })
			s := p.post(1)
			gone := p.post(3)
			gone.Reset(Cancel, "")
			gone.Release()
			if name == "RST_STREAM of a closed one" {
				answer(s)
				p.data(1, true, "")
			}
			p.controls.left = 10
			for i := range 10 {
				if send(p); p.Err() != nil {
					t.Fatalf("got %v after %d", p.Err(), i+1)
				}
			}
			p.clock += 5 // that many milliseconds allow another
			if send(p); p.Err() != nil {
				t.Fatalf("got %v after the time for one more", p.Err())
			}
			send(p)
			assert.Equal(t, p.verdict(), connCalm)
		})
	}
	t.Run("useful frames", func(t *testing.T) {
		p := connect(t, func(c *Config) { c.Controls = 10 })
		s := p.post(1)
		_ = s.Head(200, nil, -1, "")
		for range 50 {
			p.data(1, false, "x")
			p.raw(framePing, 0, 0, "12345678")
			_, _ = s.Write(make([]byte, 600))
			p.frames()
			p.raw(frameWindowUpdate, 0, 0, u32(600))
			p.raw(frameWindowUpdate, 0, 1, u32(600))
			assert.NoError(t, p.Err())
		}
		assert.Equal(t, p.controls.left, 10)
	})
}

// TestControlsOfRequests lets every request bring some.
func TestControlsOfRequests(t *testing.T) {
	p := connect(t, func(c *Config) { c.Controls = 10 })
	for id := uint32(1); id < 100; id += 2 {
		p.request(id, true, ask("HEAD")...)
		p.raw(framePing, 0, 0, "12345678")
		p.raw(framePriorityUpdate, 0, 0, u32(id)+"u=1")
		p.raw(frameSettings, 0, 0, "")
		s := p.take(id)
		_ = s.Head(204, nil, -1, "")
		s.End(nil)
		s.Release()
		p.frames()
	}
	assert.NoError(t, p.Err())
	assert.Equal(t, p.controls.left, 7)
}

// TestWindowUpdatesOwed counts WINDOW_UPDATE frames that give back more than was sent: twice
// as much may come, as there are two windows.
func TestWindowUpdatesOwed(t *testing.T) {
	p := connect(t, nil)
	s := p.get(1)
	_ = s.Head(200, nil, -1, "")
	_, _ = s.Write(make([]byte, 1000))
	p.frames()
	for i, want := range []int{0, 0, 1, 2} {
		before := p.cfg.Controls
		if i == 0 {
			p.controls.left = before
		}
		p.raw(frameWindowUpdate, 0, uint32(i%2), u32(1000))
		assert.Equal(t, p.cfg.Controls-p.controls.left, want, "after ", i+1)
	}
	_, _ = s.Write(make([]byte, 1000))
	p.controls.left = 100
	p.raw(frameWindowUpdate, 0, 0, u32(leastUpdate-1)) // in tiny pieces
	assert.Equal(t, p.controls.left, 99)
	p.raw(frameWindowUpdate, 0, 0, u32(leastUpdate))
	assert.Equal(t, p.controls.left, 99)
}

// TestWriteTimeout resets a response of which the client does not take a piece in time, and
// no other.
func TestWriteTimeout(t *testing.T) {
	p := connect(t, func(c *Config) { c.WriteTimeout, c.SendBuffer = 10*time.Second, 2*stallPiece },
		xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 10})
	p.raw(frameWindowUpdate, 0, 0, u32(1<<20))
	first, second := p.get(1), p.get(3)
	now := p.clock
	assert.Equal(t, p.Tick(now), int64(0), "nothing waits")
	for _, s := range []*Stream{first, second} {
		_ = s.Head(200, nil, -1, "")
		_, _ = s.Write(make([]byte, stallPiece+200))
	}
	p.frames()
	assert.Equal(t, p.Tick(now), now+10_000)
	now += 9000
	p.raw(frameWindowUpdate, 0, 1, u32(100)) // too little to count
	p.raw(frameWindowUpdate, 0, 3, u32(stallPiece))
	for p.Unsent() {
		p.frames()
	}
	assert.Equal(t, p.Tick(now), now+1000)
	now += 999
	assert.Equal(t, p.Tick(now), now+1)
	p.want()
	now++
	p.Tick(now)
	p.want("RST_STREAM 1 CANCEL")
	assert.Equal(t, first.Err(), error(&StreamError{Code: Cancel, Reason: "the client does not take the response"}))
	assert.NoError(t, second.Err())
	assert.Equal(t, p.Tick(now), now+9000)
	first.Release()
	second.End(nil)
	second.Release() // it goes on sending without its handler
	assert.Equal(t, p.Streams(), 1)
	now += 8999
	p.Tick(now)
	p.want()
	p.Tick(now + 1)
	p.want("RST_STREAM 3 CANCEL")
	assert.Equal(t, p.Streams(), 0)
	assert.Equal(t, p.Tick(now), int64(0))
	p.settle()

	p = connect(t, func(c *Config) { c.WriteTimeout = 0 }, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0})
	s := p.get(1)
	_ = s.Head(200, nil, -1, "")
	_, _ = s.Write(make([]byte, 100))
	assert.Equal(t, p.Tick(1<<40), int64(0), "no limit")
	assert.NoError(t, s.Err())
}
