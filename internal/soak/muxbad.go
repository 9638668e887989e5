package soak

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

func hasty(int) style { return style{room: 65535, loose: true, flaky: true} }

// cutStreams ends the connection at a random moment.
func (x *rotation) cutStreams(round int) {
	c := x.dialMux(hasty(round))
	if c == nil {
		return
	}
	var all sync.WaitGroup
	for range round % 12 {
		all.Go(func() {
			for c.do(x.streamed().loosen()) {
			}
		})
	}
	x.wait(time.Duration(rand.Int64N(int64(10 * time.Millisecond))))
	if round%2 == 0 {
		c.leave(reset)
	} else {
		c.leave(finish)
	}
	all.Wait()
	x.add("cut by the client", 1)
}

// rawMux is a connection on which anything may be sent.
func (x *rotation) rawMux() (conn net.Conn, tcp *net.TCPConn) {
	if tcp = x.connect(nil); tcp == nil {
		return nil, nil
	}
	conn = tcp
	if x.secure() {
		if conn = x.shake(tcp, "h2"); conn == nil {
			return nil, nil
		}
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn, tcp
}

// hail returns the preface and the head of a request that has no end, on stream 1.
func (x *rotation) hail(path string) *mux {
	c := &mux{x: x}
	c.fr = http2.NewFramer(&c.out, nil)
	c.fr.AllowIllegalWrites = true
	c.out.WriteString(http2.ClientPreface)
	_ = c.fr.WriteSettings()
	c.head(1, false, "POST", path)
	return c
}

// head writes fields that need no table.
func (c *mux) head(id uint32, end bool, method, path string) {
	var b bytes.Buffer
	path = strings.Fields(c.x.loosely(method, path, ""))[1]
	for _, f := range [][2]string{{":method", method}, {":scheme", map[bool]string{false: "http", true: "https"}[c.x.secure()]}, {":authority", "soak.example"}, {":path", path}} {
		b.WriteByte(0)
		b.WriteByte(byte(len(f[0])))
		b.WriteString(f[0])
		b.WriteByte(byte(len(f[1])))
		b.WriteString(f[1])
	}
	_ = c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: end, EndHeaders: true, BlockFragment: b.Bytes()})
}

// floods are what must end in ENHANCE_YOUR_CALM.
var floods = [...]struct {
	name string
	more func(c *mux, id uint32)
}{
	{"PING", func(c *mux, _ uint32) { _ = c.fr.WritePing(false, [8]byte{}) }},
	{"SETTINGS", func(c *mux, _ uint32) { _ = c.fr.WriteSettings() }},
	{"PRIORITY", func(c *mux, _ uint32) { _ = c.fr.WritePriority(1, http2.PriorityParam{Weight: 1}) }},
	{"WINDOW_UPDATE", func(c *mux, _ uint32) { _ = c.fr.WriteWindowUpdate(0, 1) }},
	{"empty DATA", func(c *mux, _ uint32) { _ = c.fr.WriteData(1, false, nil) }},
	{"reset streams", func(c *mux, id uint32) {
		c.head(id, false, "POST", "/take/{n}/1")
		_ = c.fr.WriteRSTStream(id, http2.ErrCodeCancel)
	}},
	{"wrong streams", func(c *mux, id uint32) {
		c.head(id, false, "POST", "/take/{n}/1")
		_ = c.fr.WriteWindowUpdate(id, 0)
	}},
	{"CONTINUATION", func(c *mux, id uint32) {
		if id == 3 {
			_ = c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x82}})
		}
		_ = c.fr.WriteContinuation(3, false, nil)
	}},
}

// calmed floods until the connection ends.
func (x *rotation) calmed(round int) {
	conn, tcp := x.rawMux()
	if conn == nil {
		return
	}
	defer reset(tcp)
	flood := floods[round%len(floods)]
	seen := make(chan error, 1)
	var code http2.ErrCode
	var told bool
	go func() {
		fr := http2.NewFramer(nil, conn)
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				seen <- err
				return
			}
			if f, ok := f.(*http2.GoAwayFrame); ok && f.ErrCode != http2.ErrCodeNo {
				told, code = true, f.ErrCode
			}
		}
	}()
	c := x.hail("/take/{n}/1000")
	const most = 40000
	sent, failed := 0, false
	for id := uint32(3); sent < most && !failed; {
		for range 200 {
			flood.more(c, id)
			id += 2
			sent++
		}
		_, err := conn.Write(c.out.Bytes())
		failed = err != nil
		c.out.Reset()
	}
	err := <-seen
	switch {
	case told && code != http2.ErrCodeEnhanceYourCalm:
		x.fail("flood", "of %s: GOAWAY with %v", flood.name, code)
	case told:
		x.add("calmed", 1)
	case errors.Is(err, os.ErrDeadlineExceeded) || sent >= most && !failed && errors.Is(err, io.EOF) && !x.closing.Load():
		x.fail("flood", "%d of %s and the connection ended with %v", sent, flood.name, err)
	default:
		x.add("calmed without a word", 1)
	}
}

// garbage breaks the protocol.
var garbage = [...]func(c *mux){
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameData, 0, 0, []byte("x")) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameData, 0, 77, []byte("x")) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameHeaders, 4, 3, []byte{0xff, 0xff, 0xff, 0xff, 0xff}) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameHeaders, 4, 2, []byte{0x82}) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameSettings, 0, 0, []byte("12345")) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, 0, []byte("\x7f\xff\xff\xff")) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameWindowUpdate, 0, 0, []byte("\x00\x00\x00\x00")) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FramePing, 0, 0, []byte("1234567")) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FramePushPromise, 4, 1, []byte("\x00\x00\x00\x02\x82")) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FrameContinuation, 4, 1, []byte{0x82}) },
	func(c *mux) { _ = c.fr.WriteRawFrame(http2.FramePing, 0, 0, make([]byte, 20000)) },
	func(c *mux) { c.out.WriteString(strings.Repeat("\xff", 5000)) },
}

// garbled breaks the protocol in the middle, which ends the connection.
func (x *rotation) garbled(round int) {
	conn, tcp := x.rawMux()
	if conn == nil {
		return
	}
	defer reset(tcp)
	c := x.hail("/take/{n}/1000")
	c.head(5, true, "POST", "/ignore/{n}")
	garbage[round%len(garbage)](c)
	_, _ = conn.Write(c.out.Bytes())
	fr, told := http2.NewFramer(nil, conn), false
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) || err == io.EOF && !told && !x.closing.Load() {
				x.fail("not closed", "behind garbage %d: %v, GOAWAY %v", round%len(garbage), err, told)
			}
			break
		}
		if f, ok := f.(*http2.GoAwayFrame); ok {
			told = told || f.ErrCode != http2.ErrCodeNo
		}
	}
	x.add("garbled", 1)
}
