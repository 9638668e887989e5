package runtimetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h3client speaks HTTP/3 on a connection of QUIC (RFC 9114).
type h3client struct {
	board
	conn   QUICConn
	ctx    context.Context // of the connection
	cancel context.CancelFunc
	mine   sync.Mutex
	open   map[uint32]QUICStream
}

// The frames and streams of HTTP/3 that the client knows, and the codes that it tells apart.
const (
	h3Data     = 0x00
	h3Headers  = 0x01
	h3Settings = 0x04
	h3GoAway   = 0x07
	h3Control  = 0x00

	h3NoError      = 0x100
	h3Rejected     = 0x10b
	h3Cancelled    = 0x10c
	h3MessageError = 0x10e
)

func newH3Client(conn QUICConn) *h3client {
	c := &h3client{board: newBoard(), conn: conn, open: map[uint32]QUICStream{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// begin sends SETTINGS and reads what is not the answer to a request.
func (c *h3client) begin() {
	go c.settings()
	go c.control()
	go func() {
		<-c.conn.Done()
		c.cancel()
		c.note(func() { c.err = c.conn.Err() })
		close(c.done)
	}()
}

func (c *h3client) settings() {
	if st, err := c.conn.Open(c.ctx, false); err == nil {
		_, _ = st.Write([]byte{h3Control, h3Settings, 0})
	}
}

// control reads the streams of the server for GOAWAY.
func (c *h3client) control() {
	for {
		st, err := c.conn.Accept(c.ctx)
		if err != nil {
			return
		}
		go func() {
			br := bufio.NewReader(st)
			if kind, err := binaryVarint(br); err != nil || kind != h3Control {
				_, _ = io.Copy(io.Discard, br)
				return
			}
			for {
				kind, payload, err := h3Frame(br)
				if err != nil {
					return
				}
				if kind == h3GoAway {
					c.sawGoAway(payload)
				}
			}
		}()
	}
}

// sawGoAway notes the last stream that is served. The board numbers streams from 1, as 0
// is none.
func (c *h3client) sawGoAway(payload []byte) {
	id, err := binaryVarint(bytes.NewReader(payload))
	if err == nil {
		c.note(func() { c.goAways = append(c.goAways, goAway{last: uint32(min(id, 1<<31))}) })
	}
}

func (c *h3client) start(fields []hpack.HeaderField, end bool, ready func(*h2stream) error) (*h2stream, error) {
	quic, err := c.conn.Open(c.ctx, true)
	if err != nil {
		return nil, err
	}
	st := &h2stream{id: uint32(quic.ID()) + 1, method: fields[0].Value}
	c.mine.Lock()
	c.open[st.id] = quic
	c.mine.Unlock()
	c.note(func() { c.streams[st.id] = st })
	if err := ready(st); err != nil {
		return nil, err
	}
	go c.read(quic, st)
	_, _ = quic.Write(h3Bytes(h3Headers, qpackEncode(fields)))
	if end {
		_ = quic.CloseWrite()
	}
	return st, nil
}

func (c *h3client) stream(id uint32) QUICStream {
	c.mine.Lock()
	defer c.mine.Unlock()
	return c.open[id]
}

// forget drops a stream that was answered. The server may still wait for the rest of the body.
func (c *h3client) forget(id uint32) {
	c.board.forget(id)
	c.mine.Lock()
	defer c.mine.Unlock()
	delete(c.open, id)
}

func (c *h3client) upload(id uint32, end bool, p []byte) error {
	st := c.stream(id)
	if st == nil {
		return errStreamReset // it was answered
	}
	if len(p) > 0 {
		if _, err := st.Write(h3Bytes(h3Data, p)); err != nil {
			return errStreamReset
		}
	}
	if end {
		return st.CloseWrite()
	}
	return nil
}

func (c *h3client) finish(id uint32, fields []hpack.HeaderField) {
	if st := c.stream(id); st != nil {
		_, _ = st.Write(h3Bytes(h3Headers, qpackEncode(fields)))
		_ = st.CloseWrite()
	}
}

// halt ends what the client sends, also in the middle of a body.
func (c *h3client) halt() {
	c.mine.Lock()
	defer c.mine.Unlock()
	for _, st := range c.open {
		_ = st.CloseWrite()
	}
}

// taken lets read go on; QUIC does the rest.
func (c *h3client) taken(uint32, int, bool) { c.note(func() {}) }

// read takes what comes on the stream of a request. It does not run far ahead of the case.
func (c *h3client) read(quic QUICStream, st *h2stream) {
	br := bufio.NewReaderSize(quic, 4<<10)
	for {
		kind, payload, err := h3Frame(br)
		switch {
		case errors.Is(err, io.EOF):
			c.note(func() {
				st.ended = true
				st.checkLength()
				if st.head == nil {
					st.wrong = errors.New("the stream ended without a response")
				}
			})
			return
		case err != nil:
			c.note(func() { st.broke(quic, err) })
			return
		}
		c.note(func() { st.sawFrame(kind, payload) })
		c.await(0, func() bool { return st.wrong != nil || len(st.data) < 4 || c.streams[st.id] == nil })
	}
}

// broke notes how a stream has ended early.
func (st *h2stream) broke(quic QUICStream, err error) {
	code, reset := quic.Code(err)
	if !reset {
		return // the connection has ended
	}
	as := http2.ErrCodeInternal
	switch code {
	case h3NoError:
		as = http2.ErrCodeNo
	case h3Rejected:
		as = http2.ErrCodeRefusedStream
	case h3Cancelled:
		as = http2.ErrCodeCancel
	case h3MessageError:
		as = http2.ErrCodeProtocol
	}
	st.reset = &as
}

func (st *h2stream) sawFrame(kind uint64, payload []byte) {
	switch kind {
	case h3Data:
		if st.head == nil || st.trailer != nil {
			st.wrong = errors.New("DATA outside a response")
		}
		st.size += len(payload)
		if len(payload) > 0 {
			st.data = append(st.data, payload)
		}
		st.checkLength()
	case h3Headers:
		fields, err := qpackDecode(payload)
		if err != nil {
			st.wrong = err
			return
		}
		st.sawSection(fields)
	case h3Settings, h3GoAway:
		st.wrong = fmt.Errorf("frame %#x in a response", kind)
	}
}

// sawSection notes a field section: of an interim response, the final one, or the trailer.
func (st *h2stream) sawSection(fields []field) {
	status := ""
	rest := []field{}
	for _, f := range fields {
		switch {
		case f.name == ":status" && status == "" && len(rest) == 0:
			status = f.value
		case f.name == "" || f.name[0] == ':' || f.name != lowered(f.name):
			st.wrong = fmt.Errorf("field %q", f.name)
		default:
			rest = append(rest, f)
		}
		for _, name := range hopByHop {
			if f.name == name {
				st.wrong = fmt.Errorf("the response has %s", name)
			}
		}
	}
	n, err := strconv.Atoi(status)
	switch {
	case st.head != nil && st.trailer == nil && status == "":
		st.trailer = rest
	case st.head != nil || err != nil || len(status) != 3:
		st.wrong = fmt.Errorf("a field section with status %q", status)
	case n < 200:
		st.interim = append(st.interim, append(rest, field{":status", status}))
	default:
		st.head, st.status = rest, n
	}
}

func lowered(s string) string { return string(bytes.ToLower([]byte(s))) }

// h3Frame reads a frame. The error is io.EOF at the end of the stream alone.
func h3Frame(br *bufio.Reader) (kind uint64, payload []byte, err error) {
	if kind, err = binaryVarint(br); err != nil {
		return 0, nil, err
	}
	n, err := binaryVarint(br)
	if err != nil {
		return 0, nil, cutFrame(err)
	}
	if n > 1<<24 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", n)
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(br, payload); err != nil {
		return 0, nil, cutFrame(err)
	}
	return kind, payload, nil
}

func cutFrame(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func h3Bytes(kind byte, payload []byte) []byte {
	out := binary.BigEndian.AppendUint32([]byte{kind}, 0x8000_0000|uint32(len(payload)))
	return append(out, payload...)
}

// binaryVarint reads an integer of QUIC (RFC 9000, section 16).
func binaryVarint(r io.ByteReader) (uint64, error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	n := uint64(first & 0x3f)
	for range 1<<(first>>6) - 1 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, cutFrame(err)
		}
		n = n<<8 | uint64(b)
	}
	return n, nil
}

// quicEnd is a connection of QUIC where a net.Conn is expected: what is said on it goes
// through its streams.
type quicEnd struct{ QUICConn }

func (q quicEnd) Read([]byte) (int, error)         { return 0, os.ErrInvalid }
func (q quicEnd) Write([]byte) (int, error)        { return 0, os.ErrInvalid }
func (q quicEnd) SetDeadline(time.Time) error      { return nil }
func (q quicEnd) SetReadDeadline(time.Time) error  { return nil }
func (q quicEnd) SetWriteDeadline(time.Time) error { return nil }
func (q quicEnd) Close() error                     { q.QUICConn.Close(h3NoError); return nil }

// newTextConn3 speaks HTTP/3 in the text of HTTP/1.1.
func newTextConn3(x *T, conn quicEnd) net.Conn {
	t := &textConn{relay: newRelay(conn), x: x, turns: make(chan turn, 1024)}
	h3 := newH3Client(conn.QUICConn)
	h3.begin()
	t.h2 = h3
	go t.talk()
	return t
}

// dialQUIC opens a connection of the run.
func (x *T) dialQUIC(ctx context.Context, to net.Addr) (net.Conn, error) {
	conn, err := x.target.DialQUIC(ctx, to, x.clientTLS())
	if err != nil {
		return nil, err
	}
	return quicEnd{conn}, nil
}
