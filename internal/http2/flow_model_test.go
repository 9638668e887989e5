package http2

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// A model is the client's view of the windows of a connection, and of what was said.
type model struct {
	*peer
	r       *rand.Rand
	seed    uint64
	step    int
	streams map[uint32]*modelStream
	nextID  uint32
	initial int64 // what the client allows a new stream
	send    int64 // what the connection may send
	receive int64 // what the client may send
	all     int64 // the largest that was
}

type modelStream struct {
	s             *Stream
	id            uint32
	send, receive int64 // windows
	written, came int64 // of the response, and what has come of it
	posted, read  int64 // of the request
	over, ended   bool  // we have ended the response, and the client has seen that
	closed, eof   bool  // the client has ended the request, and the handler has read so
	released      bool
}

// TestFlowControlModel does what clients and handlers do at random, and demands that the
// windows are those of the model to the byte.
func TestFlowControlModel(t *testing.T) {
	const runs, steps = 20, 5000
	for run := range uint64(runs) {
		t.Run(fmt.Sprint("seed ", run), func(t *testing.T) {
			r := rand.New(rand.NewPCG(run, 42))
			m := &model{r: r, seed: run, streams: map[uint32]*modelStream{}, nextID: 1, initial: []int64{0, 1, 100, defaultWindow, 1 << 20}[run%5], send: defaultWindow}
			m.peer = connect(t, func(c *Config) {
				c.Streams = 1 + r.IntN(12)
				c.Window = []int{1, 10, 1000, defaultWindow, 200_000}[r.IntN(5)]
				c.MaxWindow = c.Window * (1 + r.IntN(4))
				c.SendBuffer = []int{1, 100, 10_000, 64 << 10}[r.IntN(4)]
			}, xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: uint32(m.initial)})
			m.receive = m.recvWindow
			m.all = m.receive
			for m.step = range steps {
				m.act()
				m.take()
				if m.step%16 == 0 {
					m.check()
				}
				if t.Failed() {
					t.Fatalf("seed %d, step %d", run, m.step)
				}
			}
			m.finish()
		})
	}
}

func (m *model) act() {
	m.controls.left, m.resets.left = m.cfg.Controls, m.cfg.Resets
	if m.r.IntN(6) == 0 || len(m.streams) == 0 {
		m.open()
		return
	}
	ids := make([]uint32, 0, len(m.streams))
	for id := range m.streams {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	x := m.streams[ids[m.r.IntN(len(ids))]]
	switch m.r.IntN(12) {
	case 0, 1, 2:
		m.post(x)
	case 3, 4:
		m.readSome(x)
	case 5, 6, 7:
		m.write(x)
	case 8:
		m.grant(x)
	case 9:
		m.end(x)
	case 10:
		if m.r.IntN(4) == 0 {
			m.settings()
		}
	case 11:
		if m.r.IntN(8) == 0 {
			m.raw(frameReset, 0, x.id, u32(uint32(Cancel)))
			m.release(x)
			delete(m.streams, x.id)
		}
	}
}

func (m *model) open() {
	if m.held >= m.cfg.Streams {
		return
	}
	x := &modelStream{id: m.nextID, send: m.initial, receive: int64(m.cfg.Window)}
	m.nextID += 2
	x.s = m.peer.post(x.id)
	_ = x.s.Head(200, nil, -1, "")
	m.streams[x.id] = x
}

// size is a number up to n, often a small or the largest one.
func (m *model) size(n int64) int64 {
	switch {
	case n <= 0:
		return 0
	case m.r.IntN(3) == 0:
		return n
	case m.r.IntN(2) == 0:
		return m.r.Int64N(min(n, 20) + 1)
	}
	return m.r.Int64N(n + 1)
}

func filler(id uint32, from, n int64) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(id) + byte(from+int64(i)) + byte((from+int64(i))>>8)
	}
	return b
}

// post sends a piece of a request within the windows.
func (m *model) post(x *modelStream) {
	if x.closed {
		return
	}
	room := min(x.receive, m.receive, maxFrame)
	n := m.size(room)
	pad := int64(-1)
	if m.r.IntN(4) == 0 && n > 1 {
		pad = m.r.Int64N(min(n-1, 256))
		n -= pad + 1
	}
	if n == 0 {
		return
	}
	end := m.r.IntN(20) == 0
	flags, payload := uint8(0), filler(x.id, x.posted, n)
	if pad >= 0 {
		flags = flagPadded
		payload = append(append([]byte{byte(pad)}, payload...), make([]byte, pad)...)
	}
	if end {
		flags |= flagEndStream
	}
	x.receive -= int64(len(payload))
	m.receive -= int64(len(payload))
	x.posted += n
	x.closed = end
	m.raw(frameData, flags, x.id, string(payload))
	if m.Err() != nil {
		m.Fatalf("seed %d, step %d: %v", m.seed, m.step, m.Err())
	}
}

func (m *model) readSome(x *modelStream) {
	if x.released || x.eof {
		return
	}
	buf := make([]byte, m.size(40_000))
	n, err := x.s.Read(buf)
	if string(buf[:n]) != string(filler(x.id, x.read, int64(n))) {
		m.Fatalf("seed %d, step %d: stream %d reads something else", m.seed, m.step, x.id)
	}
	x.read += int64(n)
	if x.eof = err == io.EOF; x.eof != (x.closed && x.read == x.posted && (n > 0 || len(buf) > 0)) || err != nil && !x.eof {
		m.Fatalf("seed %d, step %d: stream %d: error %v after %d of %d bytes", m.seed, m.step, x.id, err, x.read, x.posted)
	}
}

func (m *model) write(x *modelStream) {
	if x.over {
		return
	}
	n := m.size(40_000)
	got, err := x.s.Write(filler(x.id, x.written, n))
	x.written += int64(got)
	if err != nil || x.s.Waiting() > m.cfg.SendBuffer {
		m.Fatalf("seed %d, step %d: stream %d: error %v, %d wait", m.seed, m.step, x.id, err, x.s.Waiting())
	}
}

func (m *model) grant(x *modelStream) {
	n := 1 + m.size(50_000)
	if m.r.IntN(2) == 0 {
		m.send += n
		m.raw(frameWindowUpdate, 0, 0, u32(uint32(n)))
		return
	}
	x.send += n
	m.raw(frameWindowUpdate, 0, x.id, u32(uint32(n)))
}

func (m *model) settings() {
	value := m.size(100_000)
	for _, x := range m.streams {
		x.send += value - m.initial
	}
	m.initial = value
	m.do(m.w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: uint32(value)}))
}

func (m *model) end(x *modelStream) {
	if x.over || m.r.IntN(3) > 0 {
		return
	}
	x.s.End(nil)
	x.over = true
	if m.r.IntN(2) == 0 {
		m.release(x)
	}
}

func (m *model) release(x *modelStream) {
	if !x.released {
		x.released = true
		x.s.Release()
	}
}

// take reads what the connection says, which must be within the windows.
func (m *model) take() {
	for range 100 {
		before := m.taken.Len()
		m.spare = m.Take(m.spare)
		m.taken.Write(m.spare)
		if m.taken.Len() == before {
			break
		}
		for m.taken.Len() > 0 {
			f, err := m.peer.r.ReadFrame()
			if err != nil {
				m.Fatal(err)
			}
			m.frame(f)
		}
	}
	for id, x := range m.streams {
		if x.over && x.ended && x.closed {
			m.release(x)
			delete(m.streams, id)
		}
	}
}

func (m *model) frame(f xhttp2.Frame) {
	x := m.streams[f.Header().StreamID]
	switch f := f.(type) {
	case *xhttp2.DataFrame:
		n := int64(len(f.Data()))
		if x == nil {
			m.Fatalf("seed %d, step %d: DATA of a stream that has ended", m.seed, m.step)
			return
		}
		if string(f.Data()) != string(filler(x.id, x.came, n)) {
			m.Errorf("stream %d sends something else", x.id)
		}
		x.came += n
		x.send -= n
		m.send -= n
		if n > 0 && (x.send < 0 || m.send < 0) || x.ended {
			m.Errorf("stream %d sends beyond its windows: %d and %d left, ended %v", x.id, x.send, m.send, x.ended)
		}
		x.ended = f.StreamEnded()
	case *xhttp2.HeadersFrame:
		if f.StreamEnded() {
			x.ended = true
		}
	case *xhttp2.WindowUpdateFrame:
		if f.StreamID == 0 {
			m.receive += int64(f.Increment)
		} else if x != nil {
			x.receive += int64(f.Increment)
		}
	case *xhttp2.SettingsFrame:
	default:
		m.Errorf("got %v", f)
	}
}

// check compares the books.
func (m *model) check() {
	m.settle()
	if m.sendWindow != m.send || m.recvWindow != m.receive || m.recvWindow+int64(m.recvCredit) != m.all {
		m.Errorf("windows of the connection: got %d and %d (+%d), want %d and %d of %d", m.sendWindow, m.recvWindow, m.recvCredit, m.send, m.receive, m.all)
	}
	for id, x := range m.streams {
		s := m.peer.streams[id]
		if s == nil {
			m.Errorf("stream %d is forgotten", id)
			continue
		}
		if s.outbound.window != x.send || s.inbound.window != x.receive {
			m.Errorf("windows of stream %d: got %d and %d, want %d and %d", id, s.outbound.window, s.inbound.window, x.send, x.receive)
		}
		if int64(s.Waiting()) != x.written-x.came {
			m.Errorf("stream %d: %d bytes wait, want %d", id, s.Waiting(), x.written-x.came)
		}
		if s.Waiting() > 0 && x.send > 0 && m.send > 0 {
			m.Errorf("stream %d: %d bytes wait though windows of %d and %d are left", id, s.Waiting(), x.send, m.send)
		}
		if x.over && !x.ended && s.Waiting() == 0 {
			m.Errorf("stream %d has not sent its end", id)
		}
		if x.released {
			continue
		}
		if int64(s.Buffered()) != x.posted-x.read || s.Buffered() > s.granted {
			m.Errorf("stream %d: %d bytes are buffered of %d, want %d", id, s.Buffered(), s.granted, x.posted-x.read)
		}
		if !x.closed && s.inbound.window+int64(s.credit+s.Buffered()) != int64(s.granted) {
			m.Errorf("stream %d: %d left, %d read and %d buffered are not the %d granted", id, s.inbound.window, s.credit, s.Buffered(), s.granted)
		}
	}
}

// finish ends everything, and demands that nothing is left.
func (m *model) finish() {
	m.send += 1 << 29
	m.raw(frameWindowUpdate, 0, 0, u32(1<<29))
	for _, x := range m.streams {
		x.send += 1 << 29
		m.raw(frameWindowUpdate, 0, x.id, u32(1<<29))
		if !x.closed {
			m.data(x.id, true, "")
			x.closed = true
		}
		if !x.over {
			x.s.End(nil)
			x.over = true
		}
	}
	m.take()
	if len(m.streams) > 0 || m.held > 0 || !m.Idle() || m.Err() != nil {
		m.Errorf("seed %d: %d streams are left, %d held, %v", m.seed, len(m.streams), m.held, m.Err())
	}
	m.settle()
}
