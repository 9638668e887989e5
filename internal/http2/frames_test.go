package http2

import (
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// states are those of a stream, each with what brings one into it.
var states = []struct {
	name string
	make func(p *peer) (id uint32)
}{
	{"idle", func(p *peer) uint32 { answer(p.get(1)); return 3 }},
	{"open", func(p *peer) uint32 { p.post(1); return 1 }},
	{"half-closed", func(p *peer) uint32 { p.get(1); return 1 }},
	{"answered", func(p *peer) uint32 { answer(p.post(1)); return 1 }},
	{"closed", func(p *peer) uint32 { answer(p.get(1)); return 1 }},
	{"reset by us", func(p *peer) uint32 { s := p.post(1); s.Reset(Cancel, "test"); s.Release(); return 1 }},
	{"reset by them", func(p *peer) uint32 { s := p.post(1); p.raw(frameReset, 0, 1, u32(8)); s.Release(); return 1 }},
	{"passed over", func(p *peer) uint32 { answer(p.get(3)); return 1 }},
}

const (
	connProtocol   = "conn PROTOCOL_ERROR"
	connSize       = "conn FRAME_SIZE_ERROR"
	connFlow       = "conn FLOW_CONTROL_ERROR"
	connClosed     = "conn STREAM_CLOSED"
	connCalm       = "conn ENHANCE_YOUR_CALM"
	streamProtocol = "stream PROTOCOL_ERROR"
	streamClosed   = "stream STREAM_CLOSED"
	streamSize     = "stream FRAME_SIZE_ERROR"
	streamFlow     = "stream FLOW_CONTROL_ERROR"
	streamRefused  = "stream REFUSED_STREAM"
)

// same is a row of a table with one verdict for all states.
func same(verdict string) []string {
	return strings.Split(strings.Repeat(verdict+"|", len(states)-1)+verdict, "|")
}

// TestFramesInStates sends every frame in every state of its stream.
func TestFramesInStates(t *testing.T) {
	raw := func(kind frameType, flags uint8, payload string) func(*peer, uint32) {
		return func(p *peer, id uint32) { p.raw(kind, flags, id, payload) }
	}
	fields := func(end bool, fields ...string) func(*peer, uint32) {
		return func(p *peer, id uint32) { p.request(id, end, fields...) }
	}
	self := func(p *peer, id uint32) { p.raw(framePriority, 0, id, u32(id)+"\x10") }
	late := []string{connProtocol, "", streamClosed, "", streamClosed, "", streamClosed, streamClosed}
	tests := []struct {
		name string
		send func(p *peer, id uint32)
		want []string // by state: idle, open, half-closed, answered, closed, reset by us, reset by them, passed over
	}{
		{"DATA", raw(frameData, 0, "x"), late},
		{"DATA END_STREAM", raw(frameData, flagEndStream, "x"), late},
		{"empty DATA END_STREAM", raw(frameData, flagEndStream, ""), late},
		{"DATA of padding", raw(frameData, flagEndStream|flagPadded, "\x02\x00\x00"), late},
		{"DATA with too much padding", raw(frameData, flagPadded, "\x01"), same(connProtocol)},
		{"DATA without its padding", raw(frameData, flagPadded, ""), same(connProtocol)},
		{"request", fields(true, ask("GET")...), []string{"request", streamProtocol, streamClosed, streamProtocol, connClosed, "", connClosed, connProtocol}},
		{"request with a body", fields(false, ask("GET")...), []string{"request", streamProtocol, streamClosed, streamProtocol, connClosed, "", connClosed, connProtocol}},
		{"trailers", fields(true, "a=b"), []string{streamProtocol, "", streamClosed, "", connClosed, "", connClosed, connProtocol}},
		{"trailers without END_STREAM", fields(false, "a=b"), []string{streamProtocol, streamProtocol, streamClosed, streamProtocol, connClosed, "", connClosed, connProtocol}},
		{"HEADERS with a malformed block", raw(frameHeaders, flagEndHeaders|flagEndStream, "\x80"),
			[]string{"conn COMPRESSION_ERROR", "conn COMPRESSION_ERROR", "conn COMPRESSION_ERROR", "conn COMPRESSION_ERROR", connClosed, "conn COMPRESSION_ERROR", connClosed, connProtocol}},
		{"HEADERS with too much padding", raw(frameHeaders, flagEndHeaders|flagPadded, "\x02\x00"), same(connProtocol)},
		{"HEADERS without its priority", raw(frameHeaders, flagEndHeaders|flagPriority, "\x00\x00\x00\x00"), same(connSize)},
		{"PRIORITY", raw(framePriority, 0, u32(9)+"\x10"), same("")},
		{"PRIORITY on itself", self, []string{connProtocol, streamProtocol, streamProtocol, streamProtocol, connProtocol, connProtocol, connProtocol, connProtocol}},
		{"PRIORITY too short", raw(framePriority, 0, u32(9)), []string{connSize, streamSize, streamSize, streamSize, connSize, connSize, connSize, connSize}},
		{"RST_STREAM", raw(frameReset, 0, u32(8)), []string{connProtocol, "", "", "", "", "", "", ""}},
		{"RST_STREAM too short", raw(frameReset, 0, "\x00"), []string{connProtocol, connSize, connSize, connSize, connSize, connSize, connSize, connSize}},
		{"WINDOW_UPDATE", raw(frameWindowUpdate, 0, u32(9)), []string{connProtocol, "", "", "", "", "", "", ""}},
		{"WINDOW_UPDATE of nothing", raw(frameWindowUpdate, 0, u32(1<<31)),
			[]string{connProtocol, streamProtocol, streamProtocol, streamProtocol, connProtocol, connProtocol, connProtocol, connProtocol}},
		{"WINDOW_UPDATE of too much", raw(frameWindowUpdate, 0, u32(maxWindow)), []string{connProtocol, streamFlow, streamFlow, streamFlow, "", "", "", ""}},
		{"WINDOW_UPDATE too long", raw(frameWindowUpdate, 0, u32(1, 2)), same(connSize)},
		{"CONTINUATION", raw(frameContinuation, flagEndHeaders, ""), same(connProtocol)},
		{"SETTINGS on a stream", raw(frameSettings, 0, ""), same(connProtocol)},
		{"PING on a stream", raw(framePing, 0, "12345678"), same(connProtocol)},
		{"GOAWAY on a stream", raw(frameGoAway, 0, u32(0, 0)), same(connProtocol)},
		{"PRIORITY_UPDATE on a stream", raw(framePriorityUpdate, 0, u32(1)+"u=1"), same(connProtocol)},
		{"PRIORITY_UPDATE", func(p *peer, id uint32) { p.raw(framePriorityUpdate, 0, 0, u32(id)+"u=1") }, same("")},
		{"PUSH_PROMISE", raw(framePush, flagEndHeaders, u32(2)), same(connProtocol)},
		{"unknown", raw(0x42, 0xff, "anything"), same("")},
	}
	for _, test := range tests {
		for i, state := range states {
			t.Run(test.name+" "+state.name, func(t *testing.T) {
				p := connect(t, nil)
				id := state.make(p)
				p.frames()
				test.send(p, id)
				got := p.verdict()
				assert.Equal(t, got, test.want[i])
				assert.Equal(t, p.Err() != nil, strings.HasPrefix(got, "conn"), p.Err())
				p.settle()
			})
		}
	}
}

// TestFramesOfTheConnection sends frames that belong to no stream, or name a wrong one.
func TestFramesOfTheConnection(t *testing.T) {
	tests := []struct {
		name    string
		kind    frameType
		flags   uint8
		id      uint32
		payload string
		want    string
	}{
		{"DATA", frameData, 0, 0, "x", connProtocol},
		{"DATA on an even stream", frameData, 0, 2, "x", connProtocol},
		{"HEADERS", frameHeaders, flagEndHeaders, 0, "", connProtocol},
		{"HEADERS on an even stream", frameHeaders, flagEndHeaders, 2, "", connProtocol},
		{"CONTINUATION", frameContinuation, flagEndHeaders, 0, "", connProtocol},
		{"PRIORITY", framePriority, 0, 0, u32(1) + "\x01", connProtocol},
		{"RST_STREAM", frameReset, 0, 0, u32(0), connProtocol},
		{"RST_STREAM on an even stream", frameReset, 0, 2, u32(0), connProtocol},
		{"SETTINGS", frameSettings, 0, 0, "", ""},
		{"SETTINGS too short", frameSettings, 0, 0, "\x00\x01\x00\x00\x00", connSize},
		{"SETTINGS ACK", frameSettings, flagAck, 0, "", ""},
		{"SETTINGS ACK with payload", frameSettings, flagAck, 0, "\x00\x01\x00\x00\x00\x00", connSize},
		{"SETTINGS that are unknown", frameSettings, 0, 0, "\x00\xee\xff\xff\xff\xff", ""},
		{"SETTINGS, many", frameSettings, 0, 0, strings.Repeat("\x00\x02"+u32(1), mostSettings), ""},
		{"SETTINGS, too many", frameSettings, 0, 0, strings.Repeat("\x00\x02"+u32(1), mostSettings+1), connCalm},
		{"ENABLE_PUSH", frameSettings, 0, 0, "\x00\x02" + u32(1), ""},
		{"ENABLE_PUSH 2", frameSettings, 0, 0, "\x00\x02" + u32(2), connProtocol},
		{"INITIAL_WINDOW_SIZE", frameSettings, 0, 0, "\x00\x04" + u32(maxWindow), ""},
		{"INITIAL_WINDOW_SIZE too large", frameSettings, 0, 0, "\x00\x04" + u32(maxWindow+1), connFlow},
		{"MAX_FRAME_SIZE least", frameSettings, 0, 0, "\x00\x05" + u32(1<<14), ""},
		{"MAX_FRAME_SIZE too small", frameSettings, 0, 0, "\x00\x05" + u32(1<<14-1), connProtocol},
		{"MAX_FRAME_SIZE most", frameSettings, 0, 0, "\x00\x05" + u32(1<<24-1), ""},
		{"MAX_FRAME_SIZE too large", frameSettings, 0, 0, "\x00\x05" + u32(1<<24), connProtocol},
		{"ENABLE_CONNECT_PROTOCOL 2", frameSettings, 0, 0, "\x00\x08" + u32(2), connProtocol},
		{"NO_RFC7540_PRIORITIES as it was", frameSettings, 0, 0, "\x00\x09" + u32(0), ""},
		{"NO_RFC7540_PRIORITIES changed", frameSettings, 0, 0, "\x00\x09" + u32(1), connProtocol},
		{"PRIORITY_UPDATE of nothing", framePriorityUpdate, 0, 0, u32(0) + "u=1", connProtocol},
		{"PRIORITY_UPDATE of an even stream", framePriorityUpdate, 0, 0, u32(2) + "u=1", connProtocol},
		{"NO_RFC7540_PRIORITIES 2", frameSettings, 0, 0, "\x00\x09" + u32(2), connProtocol},
		{"the first of two errors", frameSettings, 0, 0, "\x00\x02" + u32(2) + "\x00\x04" + u32(maxWindow+1), connProtocol},
		{"PING", framePing, 0, 0, "12345678", ""},
		{"PING ACK", framePing, flagAck, 0, "12345678", ""},
		{"PING too short", framePing, 0, 0, "1234567", connSize},
		{"GOAWAY", frameGoAway, 0, 0, u32(0, 0) + "bye", ""},
		{"GOAWAY too short", frameGoAway, 0, 0, u32(0), connSize},
		{"WINDOW_UPDATE", frameWindowUpdate, 0, 0, u32(1), ""},
		{"WINDOW_UPDATE of nothing", frameWindowUpdate, 0, 0, u32(0), connProtocol},
		{"WINDOW_UPDATE to the most", frameWindowUpdate, 0, 0, u32(maxWindow - defaultWindow), ""},
		{"WINDOW_UPDATE of too much", frameWindowUpdate, 0, 0, u32(maxWindow - defaultWindow + 1), connFlow},
		{"WINDOW_UPDATE on an even stream", frameWindowUpdate, 0, 2, u32(1), connProtocol},
		{"PRIORITY_UPDATE too short", framePriorityUpdate, 0, 0, "\x00\x00\x01", connSize},
		{"PRIORITY_UPDATE of no stream", framePriorityUpdate, 0, 0, u32(0), connProtocol},
		{"largest", 0x42, 0, 0, strings.Repeat("x", maxFrame), ""},
		{"too large", 0x42, 0, 0, strings.Repeat("x", maxFrame+1), connSize},
		{"the reserved bit of a stream id", frameWindowUpdate, 0, 1 << 31, u32(1), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, nil)
			p.raw(test.kind, test.flags, test.id, test.payload)
			assert.Equal(t, p.verdict(), test.want)
			p.settle()
		})
	}
}

func TestPreface(t *testing.T) {
	settings := string(appendFrameHeader(nil, 0, frameSettings, 0, 0))
	ping := string(appendPing(nil, 0, []byte("12345678")))
	tests := []struct {
		name, text string
		want       string
		used       int
	}{
		{"nothing", "", "", 0},
		{"a part", Preface[:23], "", 0},
		{"alone", Preface, "", 24},
		{"of HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", connProtocol, 0},
		{"wrong at its end", Preface[:23] + "x", connProtocol, 0},
		{"SETTINGS", Preface + settings, "", 33},
		{"a part of SETTINGS", Preface + settings[:8], "", 24},
		{"PING", Preface + ping, connProtocol, 41},
		{"a part of PING", Preface + ping[:10], connProtocol, 24},
		{"SETTINGS ACK", Preface + string(appendFrameHeader(nil, 0, frameSettings, flagAck, 0)), connProtocol, 33},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, nil)
			used := p.Receive([]byte(test.text), 0)
			assert.Equal(t, used, test.used)
			assert.Equal(t, p.verdict(), test.want)
			since, waits := p.Opening()
			assert.Equal(t, since, int64(1_000_000))
			assert.Equal(t, waits, true)
			if test.want != "" {
				assert.Equal(t, p.Receive([]byte(settings), 0), 0, "after an error")
			}
		})
	}
}

// TestHello looks at our SETTINGS, which say no more than a client has to know.
func TestHello(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"usual", nil, []string{"SETTINGS 3=16 9=1 6=65536", "WINDOW_UPDATE 0 2555889"}},
		{"all", func(c *Config) { c.HeaderTable, c.Window, c.Connect = 100, 1000, true },
			[]string{"SETTINGS 3=16 9=1 1=100 4=1000 6=65536 8=1", "WINDOW_UPDATE 0 1523329"}},
		{"no limit of fields", func(c *Config) { c.HeaderBytes = -1 }, []string{"SETTINGS 3=16 9=1", "WINDOW_UPDATE 0 2555889"}},
		{"least", func(c *Config) { c.Streams, c.Window, c.MaxWindow = 1, 1, 1 },
			[]string{"SETTINGS 3=1 9=1 4=1 6=65536", "WINDOW_UPDATE 0 458755"}},
		{"most", func(c *Config) { c.Streams, c.Window, c.MaxWindow = 1<<16, 16<<20, 16<<20 },
			[]string{"SETTINGS 3=65536 9=1 4=16777216 6=65536", "WINDOW_UPDATE 0 2147418112"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPeer(t, test.change)
			p.want(test.want...)
		})
	}
	t.Run("answers", func(t *testing.T) {
		p := connect(t, nil)
		_, waits := p.Opening()
		assert.Equal(t, waits, false)
		p.do(p.w.WriteSettings())
		p.raw(framePing, 0, 0, "12345678")
		p.want("SETTINGS ACK", "PING ACK 12345678")
		assert.Equal(t, p.Idle(), true)
	})
}

// TestInterrupted demands that nothing comes between the frames of a header block.
func TestInterrupted(t *testing.T) {
	for kind := range frameType(0x12) {
		for _, id := range []uint32{1, 3} {
			p := connect(t, nil)
			p.raw(frameHeaders, flagEndStream, 1, string(p.pack(ask("GET")...)))
			assert.Equal(t, p.InBlock(), true)
			assert.Equal(t, p.Idle(), false)
			p.raw(kind, flagEndHeaders, id, "")
			want := connProtocol
			if kind == frameContinuation && id == 1 {
				want = "request"
			}
			assert.Equal(t, p.verdict(), want, kind, " on stream ", id)
		}
	}
}
