package http2

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// usual is a configuration that no row comes near, with windows that need no SETTINGS.
func usual() Config {
	return Config{Streams: 16, Window: defaultWindow, MaxWindow: 1 << 20, SendBuffer: 64 << 10, HeaderTable: defaultTable,
		Resets: 500, Controls: 2000, HeaderBytes: 64 << 10, HeaderFields: 100, WriteTimeout: time.Minute}
}

// A peer is the client of a Conn. It writes with the framer of x/net, and reads with it
// what the Conn has to say.
type peer struct {
	testing.TB
	Conn
	cfg   Config
	pool  pool
	clock int64
	spare []byte

	w     *xhttp2.Framer
	sent  bytes.Buffer // written and not received yet
	enc   *hpack.Encoder
	block bytes.Buffer

	r       *xhttp2.Framer
	taken   bytes.Buffer // taken and not read yet
	dec     *hpack.Decoder
	fields  []string
	heading string // the HEADERS frame whose CONTINUATION frames are to come
	pieces  int
	allowed int // what the client allows the table of our encoder
	least   int // the smallest that it was since the last block
	table   int // what it is
}

// newPeer makes a peer that has sent nothing yet.
func newPeer(tb testing.TB, change func(*Config)) *peer {
	p := &peer{TB: tb, cfg: usual(), clock: 1_000_000, allowed: defaultTable, least: defaultTable, table: defaultTable}
	p.pool.tb = tb
	if change != nil {
		change(&p.cfg)
	}
	p.w = xhttp2.NewFramer(&p.sent, nil)
	p.w.AllowIllegalWrites = true
	p.enc = hpack.NewEncoder(&p.block)
	p.r = xhttp2.NewFramer(nil, &p.taken)
	p.r.SetMaxReadFrameSize(maxFrame)
	p.dec = hpack.NewDecoder(defaultTable, func(f hpack.HeaderField) { p.fields = append(p.fields, f.Name+"="+f.Value) })
	p.Conn.Init(&p.cfg, &p.pool, p.clock)
	return p
}

// connect makes a peer whose SETTINGS, and ours, were acknowledged.
func connect(tb testing.TB, change func(*Config), settings ...xhttp2.Setting) *peer {
	tb.Helper()
	p := newPeer(tb, change)
	p.sent.WriteString(Preface)
	p.do(p.w.WriteSettings(settings...))
	p.do(p.w.WriteSettingsAck())
	p.frames()
	p.enc.SetMaxDynamicTableSizeLimit(uint32(p.cfg.HeaderTable))
	p.enc.SetMaxDynamicTableSize(uint32(min(p.cfg.HeaderTable, defaultTable)))
	if p.Err() != nil {
		tb.Fatalf("got %v, want a connection", p.Err())
	}
	return p
}

// do sends what was written.
func (p *peer) do(err error) {
	p.Helper()
	if err != nil {
		p.Fatalf("the framer says %v", err)
	}
	used := p.Receive(p.sent.Bytes(), p.clock)
	if p.Err() == nil {
		if rest := p.sent.Len() - used; rest > frameHeader+maxFrame {
			p.Fatalf("%d bytes were left, more than a frame", rest)
		}
		p.sent.Next(used)
	}
}

// raw sends a frame as it is.
func (p *peer) raw(t frameType, flags uint8, id uint32, payload string) {
	p.Helper()
	p.sent.Write(append(appendFrameHeader(nil, len(payload), t, flags, id), payload...))
	p.do(nil)
}

// pack encodes fields, which come as "name=value".
func (p *peer) pack(fields ...string) []byte {
	p.block.Reset()
	for _, f := range fields {
		at := 1 + strings.IndexByte(f[1:], '=') // pseudo-fields have none before
		if err := p.enc.WriteField(hpack.HeaderField{Name: f[:at], Value: f[at+1:], Sensitive: strings.HasPrefix(f, "x-never")}); err != nil {
			p.Fatal(err)
		}
	}
	return p.block.Bytes()
}

// request sends a header block, in one frame if it fits.
func (p *peer) request(id uint32, end bool, fields ...string) {
	p.Helper()
	block := p.pack(fields...)
	n := min(len(block), maxFrame)
	p.do(p.w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, EndStream: end, EndHeaders: n == len(block), BlockFragment: block[:n]}))
	for block = block[n:]; len(block) > 0; block = block[n:] {
		n = min(len(block), maxFrame)
		p.do(p.w.WriteContinuation(id, n == len(block), block[:n]))
	}
}

func ask(method string, more ...string) []string {
	return append([]string{":method=" + method, ":scheme=https", ":authority=a.example", ":path=/"}, more...)
}

// get sends a GET and returns its stream, which must be the next one.
func (p *peer) get(id uint32, more ...string) *Stream {
	p.Helper()
	p.request(id, true, ask("GET", more...)...)
	return p.take(id)
}

// post sends the head of a POST and returns its stream.
func (p *peer) post(id uint32, more ...string) *Stream {
	p.Helper()
	p.request(id, false, ask("POST", more...)...)
	return p.take(id)
}

// take takes the request that must be next.
func (p *peer) take(id uint32) *Stream {
	p.Helper()
	s := p.Next()
	if s == nil || s.ID != id {
		p.Fatalf("got %+v as the next request, want stream %d; the connection says %v", s, id, p.Err())
	}
	return s
}

func (p *peer) data(id uint32, end bool, data string) {
	p.Helper()
	p.do(p.w.WriteData(id, end, []byte(data)))
}

// frames takes what is to be sent and returns its frames as text.
func (p *peer) frames() (all []string) {
	p.Helper()
	p.spare = p.Take(p.spare)
	p.taken.Write(p.spare)
	for p.taken.Len() > 0 {
		f, err := p.r.ReadFrame()
		if err != nil {
			p.Fatalf("the framer of x/net: %v", err)
		}
		if text := p.text(f); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// want demands these frames.
func (p *peer) want(frames ...string) {
	p.Helper()
	got := strings.Join(p.frames(), "\n")
	if want := strings.Join(frames, "\n"); got != want {
		p.Errorf("got frames:\n%s\nwant:\n%s", got, want)
	}
}

// text spells a frame, and a header block with its last one.
func (p *peer) text(f xhttp2.Frame) string {
	h := f.Header()
	end := ""
	if h.Flags&flagEndStream != 0 && (h.Type == xhttp2.FrameData || h.Type == xhttp2.FrameHeaders) {
		end = " END"
	}
	switch f := f.(type) {
	case *xhttp2.DataFrame:
		return fmt.Sprintf("DATA %d %s%s", h.StreamID, spell(f.Data()), end)
	case *xhttp2.HeadersFrame:
		p.fields, p.pieces = nil, 0
		p.heading = fmt.Sprintf("HEADERS %d", h.StreamID) + "%s" + end
		return p.fragment(p.resized(f.HeaderBlockFragment()), f.HeadersEnded())
	case *xhttp2.ContinuationFrame:
		p.pieces++
		return p.fragment(f.HeaderBlockFragment(), f.HeadersEnded())
	case *xhttp2.RSTStreamFrame:
		return fmt.Sprintf("RST_STREAM %d %v", h.StreamID, Code(f.ErrCode))
	case *xhttp2.SettingsFrame:
		text := "SETTINGS"
		if f.IsAck() {
			text += " ACK"
		}
		_ = f.ForeachSetting(func(s xhttp2.Setting) error {
			text += fmt.Sprintf(" %d=%d", s.ID, s.Val)
			return nil
		})
		return text
	case *xhttp2.PingFrame:
		if f.IsAck() {
			return fmt.Sprintf("PING ACK %s", f.Data[:])
		}
		return fmt.Sprintf("PING %s", f.Data[:])
	case *xhttp2.GoAwayFrame:
		return fmt.Sprintf("GOAWAY %d %v %s", f.LastStreamID, Code(f.ErrCode), f.DebugData())
	case *xhttp2.WindowUpdateFrame:
		return fmt.Sprintf("WINDOW_UPDATE %d %d", h.StreamID, f.Increment)
	}
	p.Fatalf("got %v, which a server does not send", f)
	return ""
}

// spell quotes short data and counts long.
func spell(data []byte) string {
	if len(data) > 40 {
		return fmt.Sprint(len(data))
	}
	return fmt.Sprintf("%q", data)
}

// resized follows the sizes that begin a block. The decoder of x/net does not do so alone:
// it takes a second one only while its table is empty.
func (p *peer) resized(block []byte) []byte {
	least := p.table
	for len(block) > 0 && block[0]&0xe0 == 0x20 {
		n, rest, ok := readInt(block, 5)
		if !ok || n > p.allowed {
			p.Fatalf("a table of %d bytes, the client allows %d", n, p.allowed)
		}
		p.dec.SetMaxDynamicTableSize(uint32(n))
		p.table, block = n, rest
		least = min(least, n)
	}
	if p.table > p.allowed || least > p.least {
		p.Fatalf("the table has %d bytes and had %d, the client allows %d and allowed %d", p.table, least, p.allowed, p.least)
	}
	p.least = p.allowed
	return block
}

func (p *peer) fragment(block []byte, ended bool) string {
	if _, err := p.dec.Write(block); err != nil {
		p.Fatalf("the decoder of x/net: %v", err)
	}
	if !ended {
		return ""
	}
	if err := p.dec.Close(); err != nil {
		p.Fatalf("the decoder of x/net: %v", err)
	}
	fields := joined(p.fields)
	if p.pieces > 0 {
		fields += fmt.Sprintf(" (+%d)", p.pieces)
	}
	return fmt.Sprintf(p.heading, fields)
}

// joined spells fields, and counts the bytes of long ones.
func joined(fields []string) (text string) {
	for _, f := range fields {
		if len(f) > 60 {
			f = fmt.Sprintf("%s.. (%d)", f[:10], len(f))
		}
		text += " " + f
	}
	return text
}

// verdict says what became of what was sent: "conn CODE", "stream CODE", "request", the
// status of an answer, or nothing.
func (p *peer) verdict() string {
	p.Helper()
	found := ""
	for _, f := range p.frames() {
		part := strings.Fields(f)
		switch part[0] {
		case "GOAWAY":
			return "conn " + part[2]
		case "RST_STREAM":
			found = "stream " + part[2]
		case "HEADERS":
			found = strings.TrimPrefix(part[2], ":status=")
		}
	}
	if p.Next() != nil {
		return "request"
	}
	return found
}

// answer ends a request with a short response.
func answer(s *Stream) {
	_ = s.Head(200, nil, 2, "")
	_, _ = s.Write([]byte("ok"))
	s.End(nil)
	s.Release()
}

// readAll reads what has come of a body.
func readAll(s *Stream) (string, error) {
	var all []byte
	buf := make([]byte, 1000)
	for {
		n, err := s.Read(buf)
		all = append(all, buf[:n]...)
		if err == io.EOF {
			return string(all) + "<end>", nil
		}
		if n == 0 || err != nil {
			return string(all), err
		}
	}
}

// A pool poisons the streams that are freed, so that who still uses one is found.
type pool struct {
	tb    testing.TB
	freed []*Stream
	alive map[*Stream]bool
	woken map[*Stream]int
}

const poison = 0xdead_beef

func (o *pool) NewStream() *Stream {
	if o.alive == nil {
		o.alive, o.woken = map[*Stream]bool{}, map[*Stream]int{}
	}
	s := new(Stream)
	if n := len(o.freed); n > 0 {
		s, o.freed = o.freed[n-1], o.freed[:n-1]
		o.check(s)
	}
	o.alive[s] = true
	return s
}

func (o *pool) Wake(s *Stream) {
	if !o.alive[s] {
		o.tb.Errorf("woken after it was freed: stream %d", s.ID)
	}
	o.woken[s]++
}

func (o *pool) Free(s *Stream) {
	if !o.alive[s] {
		o.tb.Errorf("freed twice: stream %d", s.ID)
	}
	delete(o.alive, s)
	delete(o.woken, s)
	*s = Stream{Owner: s.Owner, ID: poison, Method: "BAD", Path: "bad", Protocol: "bad", Fields: []Field{{"bad", "bad"}}, Length: poison,
		Expect: true, err: io.ErrClosedPipe, taken: true, dropped: true, released: true,
		inbound:  inbound{body: []byte("garbage of the stream before"), bodyAt: 3, got: poison, window: -poison, granted: 7, credit: 9, ended: true, trailers: []Field{{"bad", "bad"}}},
		outbound: outbound{send: []byte("garbage"), sendAt: 2, window: -poison, headSent: true, over: true, endSent: true, trail: []Field{{"bad", "bad"}}, tailAt: poison, queued: true, moved: 5, stalledAt: 1, lingersAt: 1}}
	o.freed = append(o.freed, s)
}

// check demands that nobody has written to a freed stream.
func (o *pool) check(s *Stream) {
	if s.c != nil || s.ID != poison || s.got != poison || s.inbound.window != -poison || s.outbound.window != -poison || s.credit != 9 ||
		s.bodyAt != 3 || s.sendAt != 2 || s.err != io.ErrClosedPipe || !s.dropped || !s.over || !s.queued || s.lingersAt != 1 || s.stalledAt != 1 {
		o.tb.Errorf("a stream was changed after it was freed: %+v", *s)
	}
}

// settle demands that the books of the connection are in order.
func (p *peer) settle() {
	p.Helper()
	for _, s := range p.pool.freed {
		p.pool.check(s)
	}
	if len(p.pool.alive) != p.held {
		p.Errorf("%d streams are alive, %d are counted", len(p.pool.alive), p.held)
	}
	grown := 0
	for id, s := range p.streams {
		if !p.pool.alive[s] || s.ID != id || s.dropped || s.c != &p.Conn {
			p.Errorf("stream %d: %+v is no stream of the connection", id, *s)
		}
		grown += max(s.granted-p.cfg.Window, 0)
	}
	if grown != p.grown || grown > p.cfg.MaxWindow {
		p.Errorf("windows have grown by %d, counted %d, allowed %d", grown, p.grown, p.cfg.MaxWindow)
	}
	for _, list := range [][]*Stream{p.ready, p.queue, p.lingering} {
		for _, s := range list {
			if p.streams[s.ID] != s {
				p.Errorf("stream %d is on a list of the connection, which has forgotten it", s.ID)
			}
		}
	}
}

// u32 writes numbers in network order.
func u32(numbers ...uint32) string {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return string(b)
}
