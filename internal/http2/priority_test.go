package http2

import (
	"fmt"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

func TestPriorityField(t *testing.T) {
	tests := []struct {
		value string
		want  priority
	}{
		{"", priority{3, false}},
		{"u=0", priority{0, false}},
		{"u=7", priority{7, false}},
		{"u=8", priority{3, false}},
		{"u=-1", priority{3, false}},
		{"u=10", priority{3, false}},
		{"u", priority{3, false}},
		{"i", priority{3, true}},
		{"i=?1", priority{3, true}},
		{"i, i=?0", priority{3, false}},
		{"i=1", priority{3, false}},
		{"u=5, i", priority{5, true}},
		{"i,u=5", priority{5, true}},
		{"i \t, \tu=2", priority{2, true}},
		{"u=5, x=9, u=6", priority{6, false}},
		{",,", priority{3, false}},
	}
	for _, test := range tests {
		got := defaultPriority
		got.parse(test.value)
		assert.Equal(t, got, test.want, test.value)
	}
}

// order gives each stream this much to send, and says in which order it goes.
func order(p *peer, bytes int, streams ...*Stream) string {
	for _, s := range streams {
		_ = s.Head(200, nil, -1, "")
	}
	p.frames()
	for _, s := range streams {
		if n, err := s.Write(make([]byte, bytes)); n < bytes {
			p.Fatal(n, err)
		}
		s.End(nil)
		s.Release()
	}
	p.raw(frameWindowUpdate, 0, 0, u32(1<<30))
	for _, s := range streams {
		p.raw(frameWindowUpdate, 0, s.ID, u32(1<<30))
	}
	var ids []string
	for p.Unsent() {
		for _, f := range p.frames() {
			ids = append(ids, strings.Fields(f)[1])
		}
	}
	return strings.Join(ids, " ")
}

func TestPriorities(t *testing.T) {
	tests := []struct {
		name     string
		priority [3]string
		updates  map[uint32]string
		want     string
	}{
		{"none", [3]string{}, nil, "1 3 5 1 3 5 1 3 5"},
		{"incremental", [3]string{"i", "i", "i"}, nil, "1 3 5 1 3 5 1 3 5"},
		{"one after the other", [3]string{"u=3", "u=3", "u=3"}, nil, "1 1 1 3 3 3 5 5 5"},
		{"urgency", [3]string{"u=5", "u=1", "u=3"}, nil, "3 3 3 5 5 5 1 1 1"},
		{"urgency of turns", [3]string{"u=5, i", "u=1, i", "u=5, i"}, nil, "3 3 3 1 5 1 5 1 5"},
		{"urgent one beside those without", [3]string{"", "u=2", ""}, nil, "3 3 3 1 5 1 5 1 5"},
		{"update", [3]string{}, map[uint32]string{5: "u=0"}, "5 5 5 1 3 1 3 1 3"},
		{"update to the default", [3]string{"u=0", "u=0", "u=0"}, map[uint32]string{1: "i", 3: "i"}, "5 5 5 1 3 1 3 1 3"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, nil, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0})
			var streams []*Stream
			for i, value := range test.priority {
				more := []string{}
				if value != "" {
					more = append(more, "priority="+value)
				}
				streams = append(streams, p.get(uint32(2*i+1), more...))
			}
			for id, value := range test.updates {
				p.raw(framePriorityUpdate, 0, 0, u32(id)+value)
			}
			got := order(p, 3*maxFrame, streams...)
			assert.Equal(t, got, test.want)
			p.settle()
		})
	}
}

// TestTurns demands that streams of the same priority never are more than two
// frames apart, whatever their windows.
func TestTurns(t *testing.T) {
	p := connect(t, nil, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20})
	const streams = 9
	sent := map[string]int{}
	var all []*Stream
	for i := range streams {
		s := p.get(uint32(2*i + 1))
		_ = s.Head(200, nil, -1, "")
		all = append(all, s)
	}
	p.frames()
	fill := func() {
		for _, s := range all {
			_, _ = s.Write(make([]byte, 64<<10))
		}
	}
	fill()
	p.frames()
	for round := range 200 {
		fill()
		p.raw(frameWindowUpdate, 0, 0, u32(uint32(1000+7919*round%30_000)))
		for _, s := range all {
			if s.outbound.window < 1<<19 {
				p.raw(frameWindowUpdate, 0, s.ID, u32(1<<19))
			}
		}
		for _, f := range p.frames() {
			part := strings.Fields(f)
			sent[part[1]]++
			if part[0] != "DATA" {
				t.Fatal(f)
			}
		}
		p.controls.left = p.cfg.Controls
		least, most := 1<<30, 0
		for _, s := range all {
			n := sent[fmt.Sprint(s.ID)]
			least, most = min(least, n), max(most, n)
		}
		if round > 0 && most-least > 2 {
			t.Fatalf("round %d: streams are %d frames apart", round, most-least)
		}
	}
	for id, n := range sent {
		if n < 20 {
			t.Errorf("stream %s has sent %d frames only", id, n)
		}
	}
}

// TestBlockedDoesNotBlock demands that a stream without a window is passed over, however
// urgent it is.
func TestBlockedDoesNotBlock(t *testing.T) {
	p := connect(t, nil, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 10})
	urgent, other := p.get(1, "priority=u=0"), p.get(3)
	for _, s := range []*Stream{urgent, other} {
		_ = s.Head(200, nil, -1, "")
		_, _ = s.Write(make([]byte, 100))
		s.End(nil)
	}
	p.frames()
	p.raw(frameWindowUpdate, 0, 3, u32(90))
	p.want("DATA 3 90 END")
	p.raw(frameWindowUpdate, 0, 1, u32(90))
	p.want("DATA 1 90 END")
}

// TestPrioritySetting: it is fixed by the first SETTINGS (RFC 9218, section 2.1).
func TestPrioritySetting(t *testing.T) {
	const id = xhttp2.SettingID(settingNoPriorities)
	p := connect(t, nil, xhttp2.Setting{ID: id, Val: 0}, xhttp2.Setting{ID: id, Val: 1})
	p.do(p.w.WriteSettings(xhttp2.Setting{ID: id, Val: 1}))
	p.do(p.w.WriteSettings())
	p.want("SETTINGS ACK", "SETTINGS ACK")
	p.do(p.w.WriteSettings(xhttp2.Setting{ID: id, Val: 0}))
	p.want("GOAWAY 0 PROTOCOL_ERROR NO_RFC7540_PRIORITIES has changed")
}

// TestEarlyPriorities: PRIORITY_UPDATE may come before the HEADERS of its stream, and is worth
// more than their Priority (RFC 9218, sections 7 and 7.1).
func TestEarlyPriorities(t *testing.T) {
	p := connect(t, nil, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 0})
	update := func(id uint32, value string) { p.raw(framePriorityUpdate, 0, 0, u32(id)+value) }
	update(3, "u=7")
	update(5, "u=1")
	update(3, "u=2")
	update(1, "u=6, i")
	update(7, "u=0")
	streams := []*Stream{p.get(1), p.get(3, "priority=u=7"), p.get(5)}
	assert.Equal(t, len(p.early), 1)
	streams = append(streams, p.get(9)) // 7 is passed over
	assert.Equal(t, p.early == nil, true)
	assert.Equal(t, order(p, 2*maxFrame, streams...), "5 5 3 3 9 9 1 1")
	update(1, "u=0")
	assert.Equal(t, p.early == nil, true, "it is too late")
	assert.NoError(t, p.Err())
	p.settle()
}

// TestEarlyPrioritiesAreBounded by us, and by the streams that may be open.
func TestEarlyPrioritiesAreBounded(t *testing.T) {
	p := connect(t, func(c *Config) { c.Streams = 2 * mostEarly })
	update := func(id int) { p.raw(framePriorityUpdate, 0, 0, u32(uint32(id))+"u=1") }
	for i := range 2 * mostEarly {
		update(2*i + 1)
	}
	assert.NoError(t, p.Err())
	assert.Equal(t, len(p.early), mostEarly)
	assert.Equal(t, p.get(2*mostEarly-1).urgency, uint8(1), "the last that was kept")
	assert.Equal(t, p.get(2*mostEarly+1).urgency, uint8(3), "one that was dropped")

	p = connect(t, nil)
	p.post(1)
	for i := 1; i < p.cfg.Streams; i++ {
		update(2*i + 1)
		update(2*i + 1)
	}
	assert.NoError(t, p.Err())
	p.frames()
	update(2*p.cfg.Streams + 1)
	p.want("GOAWAY 1 PROTOCOL_ERROR PRIORITY_UPDATE for more streams than may be open")

	p = newPeer(t, nil) // that does not know yet how many may be
	p.sent.WriteString(Preface)
	p.do(p.w.WriteSettings())
	for i := range 2 * p.cfg.Streams {
		update(2*i + 1)
	}
	assert.NoError(t, p.Err())
	assert.Equal(t, len(p.early), p.cfg.Streams)
}
