package http2

import (
	"math"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// TestDrain demands that what a client has sent before it knew is served.
func TestDrain(t *testing.T) {
	p := connect(t, nil)
	first := p.get(1)
	p.Drain()
	p.Drain()
	p.want("GOAWAY 2147483647 NO_ERROR ", "PING tako:end")
	second := p.post(3)
	assert.Equal(t, p.Drained(), false)
	p.raw(framePing, flagAck, 0, pingDrain)
	p.want("GOAWAY 3 NO_ERROR ")
	p.FinishDrain()
	p.want()
	p.request(5, true, ask("GET", "x-new=1")...)
	p.want("RST_STREAM 5 REFUSED_STREAM")
	assert.Equal(t, p.resets.left, p.resets.most, "that is nobody's fault")
	answer(first)
	p.want("HEADERS 1 :status=200 content-length=2", `DATA 1 "ok" END`)
	p.data(3, true, "hello")
	body, _ := readAll(second)
	assert.Equal(t, body, "hello<end>")
	assert.Equal(t, p.Drained(), false)
	answer(second)
	assert.Equal(t, p.Drained(), true)
	p.want("HEADERS 3 :status=200 content-length=2", `DATA 3 "ok" END`)
	p.settle()
}

// TestDrainBeforeTheFirstRequest lets it come: the client may have connected for it.
func TestDrainBeforeTheFirstRequest(t *testing.T) {
	p := connect(t, nil)
	p.Drain()
	p.Drain()
	p.want()
	first := p.get(1)
	p.want("GOAWAY 2147483647 NO_ERROR ", "PING tako:end")
	p.raw(framePing, flagAck, 0, pingDrain)
	p.want("GOAWAY 1 NO_ERROR ")
	answer(first)
	p.want("HEADERS 1 :status=200 content-length=2", `DATA 1 "ok" END`)
	assert.Equal(t, p.Drained(), true)
	p.settle()

	p = connect(t, nil)
	p.Drain()
	p.FinishDrain()
	p.want("GOAWAY 0 NO_ERROR ")
	assert.Equal(t, p.Drained(), true)
}

// TestDrainByTheDriver ends the first phase without the client's answer.
func TestDrainByTheDriver(t *testing.T) {
	p := connect(t, nil)
	answer(p.get(1))
	p.frames()
	assert.Equal(t, p.Drained(), false)
	p.Drain()
	p.FinishDrain()
	p.want("GOAWAY 2147483647 NO_ERROR ", "PING tako:end", "GOAWAY 1 NO_ERROR ")
	assert.Equal(t, p.Drained(), true)
	p.raw(framePing, flagAck, 0, pingDrain)
	p.want()
	assert.NoError(t, p.Err())
}

// TestLastStreamNeverGrows: endpoints must not increase the last stream that they name
// (RFC 9113, section 6.8).
func TestLastStreamNeverGrows(t *testing.T) {
	p := connect(t, nil)
	answer(p.get(1))
	p.Drain()
	p.FinishDrain()
	p.request(3, true, ask("GET")...)
	p.frames()
	p.raw(framePush, 0, 1, "")
	p.want("GOAWAY 1 PROTOCOL_ERROR PUSH_PROMISE from a client")

	p = connect(t, nil)
	p.Drain()
	p.FinishDrain()
	p.request(3, true, ask("GET")...)
	p.frames()
	p.Stop(NoError, "")
	p.want("GOAWAY 0 NO_ERROR ")
}

// TestStreamIDs uses the last of them.
func TestStreamIDs(t *testing.T) {
	const few = math.MaxInt32 - 1000
	p := connect(t, nil)
	answer(p.get(few - 1 + few%2))
	answer(p.get(few + 1 + few%2))
	p.want("HEADERS 2147482647 :status=200 content-length=2", `DATA 2147482647 "ok" END`,
		"GOAWAY 2147483647 NO_ERROR ", "PING tako:end",
		"HEADERS 2147482649 :status=200 content-length=2", `DATA 2147482649 "ok" END`)
	answer(p.get(math.MaxInt32))
	p.want("HEADERS 2147483647 :status=200 content-length=2", `DATA 2147483647 "ok" END`)
	p.request(1, true, ask("GET")...)
	assert.Equal(t, p.verdict(), connProtocol)
	p.settle()
}

// TestLinger answers before the request has ended: the client may be about to end it, and
// is told to stop if it does not.
func TestLinger(t *testing.T) {
	tests := []struct {
		name string
		do   func(p *peer)
		want []string
		held int
	}{
		{"it ends", func(p *peer) { p.data(1, true, "") }, nil, 0},
		{"it ends with trailers", func(p *peer) { p.request(1, true, "a=b") }, nil, 0},
		{"it resets", func(p *peer) { p.raw(frameReset, 0, 1, u32(8)) }, nil, 0},
		{"it goes on", func(p *peer) { p.data(1, false, "x"); p.data(1, false, "") }, nil, 1},
		{"it goes on to the end", func(p *peer) { p.data(1, false, "x"); p.data(1, true, "") }, nil, 0},
		{"it goes on beyond its window", func(p *peer) {
			for range 5 {
				p.data(1, false, strings.Repeat("x", maxFrame))
			}
		}, []string{"RST_STREAM 1 FLOW_CONTROL_ERROR"}, 0},
		{"it goes on for too long", func(p *peer) { p.Tick(p.clock); p.data(1, false, "x"); p.Tick(p.clock + lingerFor) }, []string{"RST_STREAM 1 NO_ERROR"}, 0},
		{"it is silent", func(p *peer) { assert.Equal(p, p.Tick(p.clock), p.clock+lingerFor) }, nil, 1},
		{"it is silent for long", func(p *peer) { p.Tick(p.clock); p.Tick(p.clock + lingerFor - 1) }, nil, 1},
		{"it is silent for too long", func(p *peer) { p.Tick(p.clock); p.Tick(p.clock + lingerFor) }, []string{"RST_STREAM 1 NO_ERROR"}, 0},
		{"the connection ends", func(p *peer) { p.Close(ErrClosed) }, nil, 0},
	}
	for _, test := range tests {
		for _, late := range []bool{false, true} { // the handler returns before everything is sent
			t.Run(test.name, func(t *testing.T) {
				p := connect(t, nil)
				s := p.post(1)
				_ = s.Head(200, nil, -1, "")
				_, _ = s.Write(make([]byte, 60_000))
				if _, _ = s.Write(make([]byte, 10_000)); s.Waiting() != 4465 {
					t.Fatalf("%d bytes wait", s.Waiting())
				}
				s.End(nil)
				if late {
					s.Release()
				}
				p.frames()
				p.raw(frameWindowUpdate, 0, 0, u32(10_000))
				p.raw(frameWindowUpdate, 0, 1, u32(10_000))
				p.want("DATA 1 4465 END")
				if !late {
					s.Release()
				}
				test.do(p)
				p.want(test.want...)
				assert.Equal(t, p.Streams(), test.held)
				assert.Equal(t, len(p.lingering), test.held)
				p.settle()
			})
		}
	}
	t.Run("several", func(t *testing.T) {
		p := connect(t, nil)
		for id := uint32(1); id < 9; id += 2 {
			answer(p.post(id))
			p.Tick(p.clock + int64(id))
		}
		p.frames()
		assert.Equal(t, p.Tick(p.clock+lingerFor+3), p.clock+lingerFor+5)
		p.want("RST_STREAM 1 NO_ERROR", "RST_STREAM 3 NO_ERROR")
		p.settle()
	})
}

// TestClosed forgets streams that ended long ago.
func TestClosed(t *testing.T) {
	p := connect(t, func(c *Config) { c.Resets = 10_000 })
	for id := uint32(1); id < 4*mostClosed; id += 2 {
		s := p.get(id)
		if id%4 == 1 {
			s.Reset(Cancel, "")
		} else {
			s.End(nil)
		}
		s.Release()
	}
	p.frames()
	known := func(id uint32) string {
		known, byUs := p.closed.find(id)
		return map[bool]string{true: "known"}[known] + map[bool]string{true: ", reset"}[byUs]
	}
	assert.Equal(t, known(1), "")
	assert.Equal(t, known(2*mostClosed-1), "")
	assert.Equal(t, known(2*mostClosed+1), "known, reset")
	assert.Equal(t, known(4*mostClosed-1), "known")
	p.data(4*mostClosed-3, false, "late")
	p.want()
	p.raw(frameReset, 0, 4*mostClosed-3, u32(8))
	p.data(4*mostClosed-3, false, "behind its end")
	p.want("RST_STREAM 509 STREAM_CLOSED")
	p.data(1, false, "of long ago")
	p.want("RST_STREAM 1 STREAM_CLOSED")
	p.data(1, false, "and more of it")
	p.want()
	p.settle()
}

// TestHangUp demands that a client that sends no more gets what is ready for it.
func TestHangUp(t *testing.T) {
	p := connect(t, nil)
	whole, waits, part, begun := p.get(1), p.get(3), p.post(5), p.get(7)
	p.request(9, true, ask("GET")...)
	p.request(11, false, ask("POST")...)
	p.frames()
	_ = whole.Head(200, nil, 5*maxFrame, "")
	n, _ := whole.Write(make([]byte, 5*maxFrame))
	assert.Equal(t, n, 5*maxFrame)
	whole.End(nil)
	whole.Release()
	_ = begun.Head(200, nil, -1, "")
	p.HangUp()
	for _, s := range []*Stream{waits, part, begun} {
		assert.ErrorIs(t, s.Err(), ErrClosed)
		s.Release()
	}
	next := p.take(9)
	assert.Equal(t, p.Next() == nil, true, "the request of 11 cannot be whole any more")
	answer(next)
	assert.NoError(t, p.Err())
	p.frames()
	assert.Equal(t, p.Unsent(), false, "the windows are used up")
	p.settle()
}
