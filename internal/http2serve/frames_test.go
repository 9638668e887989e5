package http2serve_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako/internal/assert"
)

// framed is a client that sends frames one by one and keeps what it is told.
type framed struct {
	net.Conn
	t   *testing.T
	fr  *http2.Framer
	buf bytes.Buffer
	enc *hpack.Encoder

	mute     bool // answers neither SETTINGS nor PING
	settings map[http2.SettingID]uint32
	streams  map[uint32]*told
	goAways  []goAway
	pongs    int
	acked    bool
	window   map[uint32]int // by WINDOW_UPDATE
	end      error          // of the connection
}

type goAway struct {
	last uint32
	code http2.ErrCode
}

// told is what came on a stream.
type told struct {
	statuses []int
	fields   map[string]string
	trailers map[string]string
	body     []byte
	ended    bool
	reset    *http2.ErrCode
}

func (m *told) over() bool { return m.ended || m.reset != nil }

// whole reports whether the response is complete. The client may be told then to stop sending.
func (m *told) whole() bool { return m.ended && (m.reset == nil || *m.reset == http2.ErrCodeNo) }

// code is that of the reset, -1 if there was none.
func (m *told) code() int {
	if m.reset == nil {
		return -1
	}
	return int(*m.reset)
}

func (m *told) status() int {
	if len(m.statuses) == 0 {
		return 0
	}
	return m.statuses[len(m.statuses)-1]
}

// framed connects and sends preface and SETTINGS.
func (s *server) framed(t *testing.T, settings ...http2.Setting) *framed {
	t.Helper()
	c := s.unopened(t)
	_, err := io.WriteString(c, http2.ClientPreface)
	assert.NoError(t, err)
	assert.NoError(t, c.fr.WriteSettings(settings...))
	return c
}

// unopened connects and sends nothing.
func (s *server) unopened(t *testing.T) *framed {
	t.Helper()
	return frames(t, s.dial(t, "h2"))
}

// frames makes a client of a connection.
func frames(t *testing.T, conn net.Conn) *framed {
	c := &framed{Conn: conn, t: t, fr: http2.NewFramer(conn, conn), settings: map[http2.SettingID]uint32{},
		streams: map[uint32]*told{}, window: map[uint32]int{}}
	c.enc = hpack.NewEncoder(&c.buf)
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	return c
}

// on is what came on a stream.
func (c *framed) on(id uint32) *told {
	if c.streams[id] == nil {
		c.streams[id] = &told{fields: map[string]string{}, trailers: map[string]string{}}
	}
	return c.streams[id]
}

// block encodes the fields of a request; pairs are name, value, name, value.
func (c *framed) block(method, path string, pairs ...string) []byte {
	c.buf.Reset()
	scheme := "http"
	all := append([]string{":method", method, ":scheme", scheme, ":authority", "a.example", ":path", path}, pairs...)
	for i := 0; i < len(all); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return c.buf.Bytes()
}

// fields encodes just these.
func (c *framed) fields(pairs ...string) []byte {
	c.buf.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = c.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return c.buf.Bytes()
}

// head begins a request.
func (c *framed) head(id uint32, ends bool, method, path string, pairs ...string) {
	c.t.Helper()
	assert.NoError(c.t, c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block(method, path, pairs...), EndHeaders: true, EndStream: ends}))
}

func (c *framed) get(id uint32, path string) {
	c.t.Helper()
	c.head(id, true, "GET", path)
}

func (c *framed) data(id uint32, ends bool, text string) {
	c.t.Helper()
	assert.NoError(c.t, c.fr.WriteData(id, ends, []byte(text)))
}

// step takes one frame.
func (c *framed) step() {
	f, err := c.fr.ReadFrame()
	if err != nil {
		var stream http2.StreamError
		if !errors.As(err, &stream) {
			c.end = err
		}
		return
	}
	id := f.Header().StreamID
	switch f := f.(type) {
	case *http2.SettingsFrame:
		c.onSettings(f)
	case *http2.PingFrame:
		if f.IsAck() {
			c.pongs++
		} else if !c.mute {
			_ = c.fr.WritePing(true, f.Data)
		}
	case *http2.GoAwayFrame:
		c.goAways = append(c.goAways, goAway{f.LastStreamID, f.ErrCode})
	case *http2.WindowUpdateFrame:
		c.window[id] += int(f.Increment)
	case *http2.RSTStreamFrame:
		code := f.ErrCode
		c.on(id).reset = &code
	case *http2.DataFrame:
		m := c.on(id)
		m.body = append(m.body, f.Data()...)
		m.ended = m.ended || f.StreamEnded()
		if n := f.Header().Length; n > 0 && !c.mute { // only streams have to wait
			_ = c.fr.WriteWindowUpdate(0, n)
		}
	case *http2.MetaHeadersFrame:
		m := c.on(id)
		to := m.fields
		if status := f.PseudoValue("status"); status != "" {
			n, _ := strconv.Atoi(status)
			m.statuses = append(m.statuses, n)
		} else {
			to = m.trailers
		}
		for _, field := range f.RegularFields() {
			to[field.Name] = field.Value
		}
		m.ended = m.ended || f.StreamEnded()
	}
}

func (c *framed) onSettings(f *http2.SettingsFrame) {
	if f.IsAck() {
		c.acked = true
		return
	}
	_ = f.ForeachSetting(func(s http2.Setting) error {
		c.settings[s.ID] = s.Val
		return nil
	})
	if !c.mute {
		_ = c.fr.WriteSettingsAck()
	}
}

// until takes frames until a condition holds. The end of the connection before that is a
// failure.
func (c *framed) until(what string, cond func() bool) {
	c.t.Helper()
	for !cond() {
		if c.end != nil {
			c.t.Fatalf("%s: the connection ended before: %v, %+v", what, c.end, c.goAways)
		}
		c.step()
	}
}

// answered takes frames until streams have ended, and demands that they have this status.
func (c *framed) answered(status int, ids ...uint32) *told {
	c.t.Helper()
	for _, id := range ids {
		c.until("answer on stream "+strconv.Itoa(int(id)), c.on(id).over)
		if m := c.on(id); m.status() != status || !m.whole() {
			c.t.Fatalf("stream %d: got %v and reset %v, want %d", id, m.statuses, m.code(), status)
		}
	}
	return c.on(ids[len(ids)-1])
}

// ended takes frames until the connection has ended, and returns the code of its GOAWAY, -1
// without one.
func (c *framed) ended() int {
	c.t.Helper()
	for c.end == nil {
		c.step()
	}
	if errors.Is(c.end, os.ErrDeadlineExceeded) {
		c.t.Fatal("still open")
	}
	if len(c.goAways) == 0 {
		return -1
	}
	return int(c.goAways[len(c.goAways)-1].code)
}

// settled takes frames until both sides know the other's SETTINGS.
func (c *framed) settled() *framed {
	c.t.Helper()
	c.until("SETTINGS", func() bool { return c.acked && len(c.settings) > 0 })
	return c
}

// alive demands an answer to a PING.
func (c *framed) alive() {
	c.t.Helper()
	before := c.pongs
	assert.NoError(c.t, c.fr.WritePing(false, [8]byte{'a', 'l', 'i', 'v', 'e'}))
	c.until("answer to PING", func() bool { return c.pongs > before })
}

// silent demands that nothing comes for a while.
func (c *framed) silent(d time.Duration) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(d))
	if f, err := c.fr.ReadFrame(); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("got %v and %v, want nothing", f, err)
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
}

// batch gathers frames to be sent at once.
type batch struct {
	c   *framed
	out bytes.Buffer
	fr  *http2.Framer
}

func newBatch(c *framed) *batch {
	b := &batch{c: c}
	b.fr = http2.NewFramer(&b.out, nil)
	return b
}

func (b *batch) get(id uint32, path string) {
	_ = b.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.c.block("GET", path), EndHeaders: true, EndStream: true})
}

func (b *batch) flush() {
	b.c.t.Helper()
	_, err := b.c.Write(b.out.Bytes())
	assert.NoError(b.c.t, err)
	b.out.Reset()
}
