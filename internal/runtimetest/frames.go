package runtimetest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frameClient speaks HTTP/2 in frames, also such as nobody may send. One goroutine
// reads; what cases ask for waits for what it has seen.
type frameClient struct {
	x    *T
	conn net.Conn
	opts frameOptions

	wmu   sync.Mutex // of what is written
	fr    *http2.Framer
	enc   *hpack.Encoder
	block bytes.Buffer

	board
	next     uint32
	window   int64 // of the connection, for what the client sends
	settings map[http2.SettingID]uint32
	acks     int // of the client's SETTINGS
	pongs    int
	pings    int
}

// frameOptions say what the client does by itself.
type frameOptions struct {
	settings []http2.Setting
	silent   bool // sends no preface
	noAck    bool // acknowledges no SETTINGS
	noPong   bool // answers no PING
	hold     bool // gives no window back
	deaf     bool // reads nothing
	patient  bool // waits for window for ever
}

// frameFilter changes a frame of the server, or hides it.
type frameFilter func(f http2.Frame) (hide bool)

const initialWindow = 65535

// h2 connects as a client of HTTP/2 that behaves well.
func (s *server) h2() *frameClient {
	s.x.Helper()
	return s.h2With(frameOptions{})
}

func (s *server) h2With(opts frameOptions) *frameClient {
	x := s.x
	x.Helper()
	conn := s.dialRaw(nil)
	if x.secure() {
		secure := tls.Client(conn, x.clientTLS())
		_ = conn.SetDeadline(time.Now().Add(x.patience))
		if err := secure.Handshake(); err != nil {
			x.Fatalf("handshake: %v", err)
		}
		_ = conn.SetDeadline(time.Time{})
		conn = secure
	}
	c := newFrameClient(x, conn, opts)
	c.begin()
	x.Cleanup(c.close)
	return c
}

func newFrameClient(x *T, conn net.Conn, opts frameOptions) *frameClient {
	c := &frameClient{x: x, conn: conn, opts: opts, board: newBoard(), next: 1,
		window: initialWindow, settings: map[http2.SettingID]uint32{}}
	c.fr = http2.NewFramer(conn, conn)
	c.fr.AllowIllegalWrites = true
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.enc = hpack.NewEncoder(&c.block)
	return c
}

// begin sends the preface and starts to read.
func (c *frameClient) begin() {
	if !c.opts.silent {
		c.raw([]byte(http2.ClientPreface))
		c.write(func(fr *http2.Framer) { _ = fr.WriteSettings(c.opts.settings...) })
	}
	if c.opts.deaf {
		close(c.done)
		return
	}
	go c.read()
}

func (c *frameClient) close() {
	if tcp, ok := c.conn.(*tls.Conn); ok {
		_ = tcp.NetConn().Close()
	}
	_ = c.conn.Close()
	<-c.done
}

// raw writes bytes. A failure shows in what is read then.
func (c *frameClient) raw(p []byte) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.x.patience))
	_, _ = c.conn.Write(p)
}

// write lets f write frames.
func (c *frameClient) write(f func(fr *http2.Framer)) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.x.patience))
	f(c.fr)
}

// batch writes many frames with few calls.
func (c *frameClient) batch(f func(fr *http2.Framer)) {
	var all bytes.Buffer
	fr := http2.NewFramer(&all, nil)
	fr.AllowIllegalWrites = true
	f(fr)
	c.raw(all.Bytes())
}

// get are the fields of a GET with further ones as "name: value".
func (c *frameClient) get(path string, more ...string) []hpack.HeaderField {
	return c.request("GET", path, more...)
}

func (c *frameClient) request(method, path string, more ...string) []hpack.HeaderField {
	fields := []hpack.HeaderField{{Name: ":method", Value: method}, {Name: ":scheme", Value: c.x.scheme()}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: path}}
	for _, line := range more {
		name, value, _ := strings.Cut(line, ": ")
		fields = append(fields, hpack.HeaderField{Name: name, Value: value})
	}
	return fields
}

// encode returns a field block. Blocks must be sent in the order in which they were
// encoded.
func (c *frameClient) encode(fields []hpack.HeaderField) []byte {
	c.block.Reset()
	for _, f := range fields {
		_ = c.enc.WriteField(f)
	}
	return bytes.Clone(c.block.Bytes())
}

// open begins a stream; end says that no body follows.
func (c *frameClient) open(end bool, fields []hpack.HeaderField) uint32 {
	st := c.reserve(fields)
	c.write(func(fr *http2.Framer) { writeBlock(fr, st.id, end, c.encode(fields)) })
	return st.id
}

// reserve takes the next stream identifier.
func (c *frameClient) reserve(fields []hpack.HeaderField) *h2stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := &h2stream{id: c.next, window: initialWindow}
	if w, ok := c.settings[http2.SettingInitialWindowSize]; ok {
		st.window = int64(w)
	}
	if len(fields) > 0 {
		st.method = fields[0].Value
	}
	c.next += 2
	c.streams[st.id] = st
	return st
}

// writeBlock sends a field block in as many frames as it needs.
func writeBlock(fr *http2.Framer, id uint32, end bool, block []byte) {
	const most = 16384
	first := block[:min(len(block), most)]
	rest := block[len(first):]
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(rest) == 0})
	for len(rest) > 0 {
		part := rest[:min(len(rest), most)]
		rest = rest[len(part):]
		_ = fr.WriteContinuation(id, len(rest) == 0, part)
	}
}

// data sends DATA whatever the windows are.
func (c *frameClient) data(id uint32, end bool, p []byte) {
	c.write(func(fr *http2.Framer) { _ = fr.WriteData(id, end, p) })
}

// upload sends DATA as far as the windows allow. It ends early if the server does
// not want more.
func (c *frameClient) upload(id uint32, end bool, p []byte) error {
	for {
		n, err := c.take(id, len(p))
		if err != nil {
			return err
		}
		c.data(id, end && n == len(p), p[:n])
		p = p[n:]
		if len(p) == 0 {
			return nil
		}
	}
}

// take waits for room in the windows.
func (c *frameClient) take(id uint32, want int) (int, error) {
	const most = 16384
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.streams[id]
	if st == nil {
		return 0, errStreamReset // it was answered
	}
	within := c.x.patience
	if c.opts.patient {
		within = 0
	}
	c.awaitLocked(within, func() bool { return want == 0 || st.reset != nil || st.ended || c.window > 0 && st.window > 0 })
	if st.reset != nil {
		return 0, errStreamReset
	}
	if c.err != nil {
		return 0, c.err
	}
	n := max(min(int64(want), most, c.window, st.window), 0)
	if n == 0 && want > 0 && st.ended {
		return 0, errStreamReset // it was answered
	}
	if n == 0 && want > 0 {
		return 0, fmt.Errorf("no window: %d of the stream, %d of the connection", st.window, c.window)
	}
	c.window -= n
	st.window -= n
	return int(n), nil
}

var errStreamReset = errors.New("the stream was reset")

// start, finish and taken are for [textConn].
func (c *frameClient) start(fields []hpack.HeaderField, end bool, ready func(*h2stream) error) (*h2stream, error) {
	st := c.reserve(fields)
	if err := ready(st); err != nil {
		return nil, err
	}
	c.write(func(fr *http2.Framer) { writeBlock(fr, st.id, end, c.encode(fields)) })
	return st, nil
}

func (c *frameClient) finish(id uint32, fields []hpack.HeaderField) {
	c.write(func(fr *http2.Framer) { writeBlock(fr, id, true, c.encode(fields)) })
}

func (c *frameClient) taken(id uint32, n int, over bool) { c.credit(id, uint32(n), over) }
