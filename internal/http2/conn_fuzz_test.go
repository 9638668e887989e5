package http2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// connSeeds are frames of every kind, in their order and out of it.
func connSeeds() (all [][]byte) {
	var frames, block bytes.Buffer
	w := xhttp2.NewFramer(&frames, nil)
	w.AllowIllegalWrites = true
	enc := hpack.NewEncoder(&block)
	pack := func(fields ...string) []byte {
		block.Reset()
		for _, f := range fields {
			name, value, _ := strings.Cut(f[1:], "=")
			_ = enc.WriteField(hpack.HeaderField{Name: f[:1] + name, Value: value})
		}
		return bytes.Clone(block.Bytes())
	}
	headers := func(id uint32, flags xhttp2.Flags, fields ...string) {
		_ = w.WriteRawFrame(xhttp2.FrameHeaders, flags, id, pack(fields...))
	}
	done := func() {
		all = append(all, bytes.Clone(frames.Bytes()))
		frames.Reset()
		enc = hpack.NewEncoder(&block)
	}
	headers(1, flagEndHeaders|flagEndStream, ask("GET", "a=b", "cookie=a", "cookie=b")...)
	headers(3, flagEndHeaders, ask("POST", "content-length=10", "expect=100-continue", "priority=u=1, i")...)
	_ = w.WriteData(3, false, []byte("hello"))
	_ = w.WriteDataPadded(3, false, []byte("world"), make([]byte, 3))
	headers(3, flagEndHeaders|flagEndStream, "sum=1")
	done()
	headers(1, flagEndStream, ask("GET")...)
	_ = w.WriteContinuation(1, false, pack("x-long="+strings.Repeat("x", 300)))
	_ = w.WriteContinuation(1, true, nil)
	_ = w.WriteRSTStream(1, xhttp2.ErrCodeCancel)
	headers(5, flagEndHeaders, ask("CONNECT", ":protocol=websocket")...)
	_ = w.WriteWindowUpdate(5, 100)
	_ = w.WriteWindowUpdate(0, 1000)
	_ = w.WriteRSTStream(5, xhttp2.ErrCodeNo)
	_ = w.WriteData(5, true, []byte("late"))
	done()
	_ = w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 3}, xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 0})
	headers(1, flagEndHeaders|flagEndStream, ask("GET")...)
	_ = w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 50}, xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 4096})
	_ = w.WriteSettingsAck()
	_ = w.WritePing(false, [8]byte{1, 2})
	_ = w.WritePing(true, [8]byte{1, 2})
	_ = w.WritePriority(1, xhttp2.PriorityParam{StreamDep: 3, Weight: 1})
	_ = w.WriteRawFrame(xhttp2.FrameType(framePriorityUpdate), 0, 0, []byte(u32(1)+"u=0"))
	_ = w.WriteRawFrame(0x55, 0xff, 7, []byte("unknown"))
	_ = w.WriteGoAway(0, xhttp2.ErrCodeNo, []byte("bye"))
	done()
	headers(1, flagEndHeaders, ask("POST")...)
	headers(3, flagEndHeaders, "a=b")
	headers(5, flagEndHeaders|flagEndStream, ask("GET", strings.Fields(strings.Repeat("a=b ", 30))...)...)
	headers(7, flagEndHeaders|flagEndStream, ask("GET", "A=b")...)
	headers(9, flagEndHeaders|flagEndStream, ask("GET")...)
	_ = w.WritePushPromise(xhttp2.PushPromiseParam{StreamID: 1, PromiseID: 2})
	done()
	return all
}

// fuzzed is a small connection, so that its limits are met.
func fuzzed(tb testing.TB, begun bool) *peer {
	p := newPeer(tb, func(c *Config) {
		c.Streams, c.Window, c.MaxWindow, c.SendBuffer, c.HeaderFields, c.HeaderBytes = 4, 100, 300, 50, 20, 1000
		c.Resets, c.Controls, c.Connect = 5, 20, true
	})
	if begun {
		p.sent.WriteString(Preface)
		p.do(p.w.WriteSettings())
	}
	return p
}

// feed gives the connection bytes in pieces of these sizes, as a driver does.
func (p *peer) feed(src []byte, sizes []byte, each func()) {
	p.sent.Reset()
	for i := 0; len(src) > 0; i++ {
		n := len(src)
		if len(sizes) > 0 {
			n = min(int(sizes[i%len(sizes)])+1, n)
		}
		p.sent.Write(src[:n])
		src = src[n:]
		p.do(nil)
		each()
	}
}

// echo answers a request as far as it has come.
func echo(s *Stream) {
	body, _ := readAll(s)
	_ = s.Inform(103, fieldList{{"Link", "</a.css>"}})
	_ = s.Head(200, fieldList{{"Content-Type", "text/plain"}, {"X-Length", fmt.Sprint(len(body))}}, -1, "now")
	_, _ = s.Write([]byte(spelt(s)))
	_, _ = s.Write([]byte(body))
	if len(body) > 5 {
		s.End(fieldList{{"X-Sum", "1"}})
	}
	s.End(nil)
	s.Release()
}

// FuzzConn demands that no bytes break a connection, that it does not matter how they
// come, and that what it says is HTTP/2.
func FuzzConn(f *testing.F) {
	for _, seed := range connSeeds() {
		f.Add(seed, []byte{3, 200}, true)
		f.Add(append([]byte(Preface), seed...), []byte{0}, false)
		f.Add(append(append([]byte(Preface), appendFrameHeader(nil, 0, frameSettings, 0, 0)...), seed...), []byte{40, 7}, false)
	}
	f.Fuzz(func(t *testing.T, src, sizes []byte, begun bool) {
		if len(src) > 32<<10 {
			return
		}
		whole := once(t, src, nil, begun)
		for _, sizes := range [][]byte{{0}, sizes} {
			if parts := once(t, src, sizes, begun); parts != whole {
				t.Fatalf("%q in pieces of %v:\n%s\nas a whole:\n%s", src, sizes, parts, whole)
			}
		}
		drive(t, src, sizes, begun)
	})
}

// once looks at what a connection has to say when everything has come.
func once(t *testing.T, src, sizes []byte, begun bool) string {
	p := fuzzed(t, begun)
	p.feed(src, sizes, func() {})
	text := ""
	for s := p.Next(); s != nil; s = p.Next() {
		text += spelt(s) + "\n"
		echo(s)
	}
	for p.Unsent() {
		text += strings.Join(p.frames(), "\n") + "\n"
	}
	p.settle()
	return text + fmt.Sprint(p.Err(), p.Refused(), p.InBlock(), p.Streams())
}

// drive answers while more is coming, and lets time pass.
func drive(t *testing.T, src, sizes []byte, begun bool) {
	p := fuzzed(t, begun)
	var handlers []*Stream
	step := 0
	p.feed(src, sizes, func() {
		step++
		for s := p.Next(); s != nil; s = p.Next() {
			handlers = append(handlers, s)
		}
		kept := handlers[:0]
		for i, s := range handlers {
			switch (step + i) % 7 {
			case 0:
				echo(s)
				continue
			case 1:
				_, _ = s.Read(make([]byte, 10))
			case 2:
				_ = s.Head(200, nil, -1, "")
			case 3:
				if s.headSent {
					_, _ = s.Write(make([]byte, 30))
				}
			case 4:
				if step%5 == 0 {
					s.Reset(Cancel, "test")
					s.Release()
					continue
				}
			}
			kept = append(kept, s)
		}
		handlers = kept
		switch p.clock += int64(step % 50); step % 23 {
		case 5:
			p.Tick(p.clock + 60_000*int64(step%3/2))
		case 11:
			p.Ping(p.clock)
		case 17:
			p.Drain()
		case 22:
			p.FinishDrain()
		}
		p.frames()
		p.settle()
	})
	p.Close(ErrClosed)
	for s := p.Next(); s != nil; s = p.Next() {
		t.Fatalf("stream %d of a closed connection", s.ID)
	}
	for _, s := range handlers {
		s.Release()
	}
	if p.settle(); p.Streams() != 0 {
		t.Fatalf("%d streams are left", p.Streams())
	}
}
