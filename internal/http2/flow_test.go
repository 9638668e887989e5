package http2

import (
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

func TestSendWindows(t *testing.T) {
	setting := func(n uint32) xhttp2.Setting {
		return xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: n}
	}
	start := func(window uint32) (*peer, *Stream) {
		p := connect(t, nil, setting(window))
		s := p.get(1)
		_ = s.Head(200, nil, -1, "")
		p.frames()
		return p, s
	}
	t.Run("0", func(t *testing.T) {
		p, s := start(0)
		_, _ = s.Write([]byte("abc"))
		p.want()
		assert.Equal(t, s.Waiting(), 3)
		p.raw(frameWindowUpdate, 0, 1, u32(1))
		p.want(`DATA 1 "a"`)
		p.raw(frameWindowUpdate, 0, 1, u32(2))
		s.End(nil)
		p.want(`DATA 1 "bc" END`)
	})
	t.Run("1", func(t *testing.T) {
		p, s := start(1)
		_, _ = s.Write([]byte("abc"))
		p.want(`DATA 1 "a"`)
		s.End(nil)
		p.want()
		p.do(p.w.WriteSettings(setting(3)))
		p.want("SETTINGS ACK", `DATA 1 "bc" END`)
	})
	t.Run("an end needs none", func(t *testing.T) {
		p, s := start(0)
		s.End(nil)
		p.want(`DATA 1 "" END`)
	})
	t.Run("negative", func(t *testing.T) {
		p, s := start(10)
		_, _ = s.Write([]byte("0123456789abc"))
		p.want(`DATA 1 "0123456789"`)
		p.do(p.w.WriteSettings(setting(4)))
		p.want("SETTINGS ACK")
		assert.Equal(t, s.outbound.window, int64(-6))
		p.raw(frameWindowUpdate, 0, 1, u32(6))
		p.want()
		p.raw(frameWindowUpdate, 0, 1, u32(1))
		p.want(`DATA 1 "a"`)
		p.do(p.w.WriteSettings(setting(0), setting(6)))
		p.want("SETTINGS ACK", `DATA 1 "bc"`)
		fresh := p.get(3)
		_ = fresh.Head(200, nil, -1, "")
		_, _ = fresh.Write([]byte("0123456789abc"))
		p.want("HEADERS 3 :status=200", `DATA 3 "012345"`)
		s.Reset(Cancel, "")
		s.Release()
		p.settle()
	})
	t.Run("too large by SETTINGS", func(t *testing.T) {
		p, _ := start(10)
		p.raw(frameWindowUpdate, 0, 1, u32(maxWindow-20))
		p.do(p.w.WriteSettings(setting(20)))
		p.want("SETTINGS ACK")
		p.do(p.w.WriteSettings(setting(21)))
		assert.Equal(t, p.verdict(), connFlow)
	})
	t.Run("of the connection", func(t *testing.T) {
		p, s := start(maxWindow)
		_, _ = s.Write(make([]byte, 64<<10))
		p.want("DATA 1 16384", "DATA 1 16384", "DATA 1 16384", "DATA 1 16383")
		assert.Equal(t, s.Waiting(), 1)
		other := p.get(3)
		_ = other.Head(200, nil, -1, "")
		_, _ = other.Write([]byte("x"))
		p.want("HEADERS 3 :status=200")
		p.raw(frameWindowUpdate, 0, 0, u32(2))
		p.want(`DATA 1 "\x00"`, `DATA 3 "x"`)
	})
}

// TestSendBuffer demands that writers wait for room, and learn of it.
func TestSendBuffer(t *testing.T) {
	p := connect(t, func(c *Config) { c.SendBuffer = 100 }, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 10})
	s := p.get(1)
	_ = s.Head(200, nil, -1, "")
	n, err := s.Write(make([]byte, 200))
	assert.Equal(t, n, 110)
	assert.NoError(t, err)
	n, err = s.Write(make([]byte, 200))
	assert.Equal(t, n, 0)
	assert.NoError(t, err)
	p.frames()
	woken := p.pool.woken[s]
	p.raw(frameWindowUpdate, 0, 1, u32(60))
	p.want("DATA 1 60")
	assert.Equal(t, p.pool.woken[s] > woken, true)
	assert.Equal(t, s.Waiting(), 40)
	n, _ = s.Write(make([]byte, 200))
	assert.Equal(t, n, 60)
	s.End(nil)
	p.raw(frameWindowUpdate, 0, 1, u32(100))
	p.want("DATA 1 100 END")

	// So does a window of the connection wake them, once half of the room is free.
	p = connect(t, func(c *Config) { c.SendBuffer = 100 }, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 1 << 20})
	s = p.get(1)
	_ = s.Head(200, nil, -1, "")
	_, _ = s.Write(make([]byte, defaultWindow+100))
	for p.Unsent() {
		p.frames()
	}
	assert.Equal(t, s.Waiting(), 100)
	woken = p.pool.woken[s]
	p.raw(frameWindowUpdate, 0, 0, u32(41))
	p.want("DATA 1 41")
	assert.Equal(t, p.pool.woken[s], woken)
	p.raw(frameWindowUpdate, 0, 0, u32(20))
	p.want(`DATA 1 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"`)
	assert.Equal(t, p.pool.woken[s], woken+1)
	for range 1000 { // what waits moves within its memory
		_, _ = s.Write(make([]byte, 10))
		p.raw(frameWindowUpdate, 0, 0, u32(10))
		p.frames()
		p.controls.left = p.cfg.Controls
	}
	assert.Equal(t, cap(s.send) <= 400, true, cap(s.send))

	// Output that nobody takes is bounded, too.
	p = connect(t, func(c *Config) { c.SendBuffer = 100 }, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: maxWindow})
	p.raw(frameWindowUpdate, 0, 0, u32(1<<30))
	s = p.get(1)
	_ = s.Head(200, nil, -1, "")
	n, _ = s.Write(make([]byte, 1<<20))
	assert.Equal(t, n <= outLimit+maxFrame+100, true, n)
	assert.Equal(t, len(p.out) <= outLimit+2*maxFrame, true, len(p.out))
	total := n
	for range 100 {
		p.frames()
		n, _ = s.Write(make([]byte, 1<<20-total))
		if total += n; total == 1<<20 {
			return
		}
	}
	t.Errorf("%d bytes after 100 turns", total)
}

// TestReceiveWindow demands that the client may send Window bytes that nobody reads,
// and gets back what is read.
func TestReceiveWindow(t *testing.T) {
	for _, window := range []int{1, 2, 3, 1000, 16 << 10, 100 << 10} {
		p := connect(t, func(c *Config) { c.Window, c.MaxWindow = window, window })
		s := p.post(1)
		for left := window; left > 0; {
			n := min(left, maxFrame)
			p.data(1, false, strings.Repeat("x", n))
			left -= n
		}
		p.want()
		assert.NoError(t, s.Err())
		assert.Equal(t, s.Buffered(), window)
		half := (window + 1) / 2
		n, _ := s.Read(make([]byte, half-1))
		assert.Equal(t, n, half-1)
		p.want()
		_, _ = s.Read(make([]byte, 1))
		assert.Equal(t, s.inbound.window, int64(half))
		got := p.frames()
		assert.Equal(t, len(got), 1, got)
		for left := half + 1; left > 0; {
			n := min(left, maxFrame)
			p.data(1, false, strings.Repeat("x", n))
			left -= n
		}
		p.want("RST_STREAM 1 FLOW_CONTROL_ERROR")
		s.Release()
		p.settle()
	}
}

// TestReceiveWindowBeforeAck lets clients send as much as they may before they know our
// SETTINGS.
func TestReceiveWindowBeforeAck(t *testing.T) {
	p := newPeer(t, func(c *Config) { c.Window, c.MaxWindow = 1, 1 })
	p.sent.WriteString(Preface)
	p.do(p.w.WriteSettings())
	s := p.post(1)
	for range 3 {
		p.data(1, false, strings.Repeat("x", maxFrame))
	}
	p.data(1, false, strings.Repeat("x", maxFrame-1))
	assert.NoError(t, s.Err())
	p.data(1, false, "x")
	p.frames()
	var reset *StreamError
	assert.Equal(t, asStreamError(s.Err(), &reset) && reset.Code == FlowControlError, true)
}

// TestPadding demands that padding counts and is given back.
func TestPadding(t *testing.T) {
	p := connect(t, func(c *Config) { c.Window, c.MaxWindow = 1000, 1000 })
	s := p.post(1)
	p.do(p.w.WriteDataPadded(1, false, []byte("hello"), make([]byte, 255)))
	assert.Equal(t, s.inbound.window, int64(1000-261))
	p.do(p.w.WriteDataPadded(1, false, []byte("hello"), make([]byte, 255)))
	_, _ = readAll(s)
	p.want("WINDOW_UPDATE 1 522")
	p.do(p.w.WriteDataPadded(1, false, nil, make([]byte, 255)))
	p.data(1, false, strings.Repeat("x", 744))
	p.want()
	p.data(1, false, "x")
	p.want("RST_STREAM 1 FLOW_CONTROL_ERROR")
}

// TestPaddingAlone: a window that padding alone has used up is given back, as no data
// can come that would be read.
func TestPaddingAlone(t *testing.T) {
	for _, window := range []int{1, 512, 1000} {
		p := connect(t, func(c *Config) { c.Window, c.MaxWindow = window, window })
		s := p.post(1)
		left := window
		for left > 0 {
			n := min(left, 256)
			p.raw(frameData, flagPadded, 1, string([]byte{byte(n - 1)})+strings.Repeat("\x00", n-1))
			left -= n
		}
		p.frames()
		if s.inbound.window == 0 {
			t.Errorf("window %d: the client may send nothing, and waits for ever", window)
		}
	}
}

// TestGrowth grows the windows of clients that are read as fast as they send, and of
// no others.
func TestGrowth(t *testing.T) {
	p := connect(t, func(c *Config) { c.Window, c.MaxWindow = 1000, 5000 })
	fast, slow := p.post(1), p.post(3)
	send := func(s *Stream, read bool) {
		for range 30 {
			p.data(s.ID, false, strings.Repeat("x", int(min(s.inbound.window, 500))))
			if read {
				_, _ = readAll(s)
			} else if s.Buffered() > 1 { // there is always something left
				_, _ = s.Read(make([]byte, s.Buffered()-1))
			}
			p.settle()
		}
	}
	send(fast, true)
	assert.Equal(t, fast.granted, 5000)
	assert.Equal(t, p.grown, 4000)
	send(slow, false)
	assert.Equal(t, slow.granted, 1000)
	send(slow, true)
	assert.Equal(t, slow.granted, 2000, "all together grow by MaxWindow")
	assert.Equal(t, p.grown, 5000)
	fast.Reset(Cancel, "")
	fast.Release()
	assert.Equal(t, p.grown, 1000)
	send(slow, true)
	assert.Equal(t, slow.granted, 5000)
	p.data(3, true, "")
	answer(slow)
	assert.Equal(t, p.grown, 0)
	p.settle()
}

// TestConnectionWindow demands that bodies which nobody reads never stop others, nor does
// what is dropped.
func TestConnectionWindow(t *testing.T) {
	const streams = 16
	p := connect(t, func(c *Config) { c.Window, c.MaxWindow = 64<<10, 64<<10 })
	window := p.recvWindow
	fill := func(id uint32, n int) {
		for ; n > 0; n -= maxFrame {
			p.data(id, false, strings.Repeat("x", min(n, maxFrame)))
		}
	}
	for id := uint32(1); id < 2*streams; id += 2 {
		p.post(id)
	}
	for id := uint32(3); id < 2*streams; id += 2 {
		fill(id, 64<<10)
	}
	reader := p.streams[1]
	for range 200 {
		fill(1, maxFrame)
		if body, _ := readAll(reader); len(body) != maxFrame {
			t.Fatalf("got %d bytes, and %v", len(body), p.Err())
		}
	}
	reader.Reset(Cancel, "")
	for range 1000 {
		fill(1, maxFrame) // it has not heard of that yet
	}
	p.frames()
	assert.NoError(t, p.Err())
	assert.Equal(t, p.recvWindow+int64(p.recvCredit), window)
	assert.Equal(t, p.recvWindow > window-creditAt, true)

	// A client that does not look at its window is stopped.
	p = connect(t, func(c *Config) { c.Window, c.MaxWindow = 64<<10, 64<<10 })
	p.post(1)
	p.recvWindow = 10
	p.data(1, false, "0123456789")
	assert.NoError(t, p.Err())
	p.data(1, false, "x")
	assert.Equal(t, p.verdict(), connFlow)
}

// TestKeep reads and receives in turns, so that what waits moves within its memory.
func TestKeep(t *testing.T) {
	p := connect(t, nil)
	s := p.post(1)
	next, read := byte(0), byte(0)
	for step := range 2000 {
		var piece []byte
		for range step % 97 {
			piece = append(piece, next)
			next++
		}
		p.data(1, false, string(piece))
		buf := make([]byte, step%101)
		n, err := s.Read(buf)
		assert.NoError(t, err)
		for _, b := range buf[:n] {
			if b != read {
				t.Fatalf("step %d: got %d, want %d", step, b, read)
			}
			read++
		}
		p.frames()
		p.controls.left = p.cfg.Controls
	}
}
