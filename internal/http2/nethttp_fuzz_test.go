package http2

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A piece is something a client may send for a stream of its own.
type piece struct {
	name string
	send func(c *rival, id uint32)
}

// pieces are requests, well-formed or not, and frames that belong to none.
func pieces() []piece {
	request := func(name string, end bool, fields ...string) piece {
		return piece{name, func(c *rival, id uint32) { c.headers(id, end, fields...) }}
	}
	body := func(name string, more []string, send func(c *rival, id uint32)) piece {
		return piece{name, func(c *rival, id uint32) {
			c.headers(id, false, ask("POST", more...)...)
			send(c, id)
		}}
	}
	return []piece{
		request("plain", true, ask("GET")...),
		request("fields", true, ask("GET", "a=1", "b=2", "cookie=a", "cookie=b")...),
		request("no method", true, ask("GET")[1:]...),
		request("no path", true, ask("GET")[:3]...),
		request("no scheme", true, ":method=GET", ":authority=a", ":path=/"),
		request("empty path", true, ":method=GET", ":scheme=https", ":authority=a", ":path="),
		request("relative path", true, ":method=GET", ":scheme=https", ":authority=a", ":path=x"),
		request("asterisk", true, ":method=OPTIONS", ":scheme=https", ":authority=a", ":path=*"),
		request("host alone", true, ":method=GET", ":scheme=https", ":path=/", "host=a"),
		request("CONNECT", true, ":method=CONNECT", ":authority=a:1"),
		request("CONNECT with path", true, ask("CONNECT")...),
		request("method with a space", true, ask("GE T")...),
		request("upper case", true, ask("GET", "Aa=b")...),
		request("control in value", true, ask("GET", "a=b\x01")...),
		request("space in name", true, ask("GET", "a b=c")...),
		request("connection", true, ask("GET", "connection=close")...),
		request("transfer-encoding", true, ask("GET", "transfer-encoding=chunked")...),
		request("upgrade", true, ask("GET", "upgrade=h2c")...),
		request("te", true, ask("GET", "te=gzip")...),
		request("te trailers", true, ask("GET", "te=trailers")...),
		request("unknown pseudo-field", true, ask("GET", ":foo=bar")...),
		request("pseudo-field twice", true, ask("GET", ":path=/")...),
		request("pseudo-field behind others", true, append(ask("GET", "a=b"), ":path=/")...),
		request("status", true, ask("GET", ":status=200")...),
		request("value too long", true, ask("GET", "a="+strings.Repeat("x", 3000))...),
		request("too many bytes", true, ask("GET", strings.Fields(strings.Repeat("a=xxxxxxxxxx ", 60))...)...),
		body("body", nil, func(c *rival, id uint32) { c.data(id, true, "hello") }),
		body("body of its length", []string{"content-length=5"}, func(c *rival, id uint32) { c.data(id, true, "hello") }),
		body("body in pieces", nil, func(c *rival, id uint32) { c.data(id, false, "hel"); c.data(id, true, "lo") }),
		body("body and trailers", []string{"trailer=sum"}, func(c *rival, id uint32) { c.data(id, false, "hel"); c.headers(id, true, "sum=1") }),
		body("too long", []string{"content-length=3"}, func(c *rival, id uint32) { c.data(id, true, "hello") }),
		body("too short", []string{"content-length=9"}, func(c *rival, id uint32) { c.data(id, true, "hello") }),
		body("trailers that go on", nil, func(c *rival, id uint32) { c.headers(id, false, "a=b"); c.data(id, true, "") }),
		body("pseudo-trailers", nil, func(c *rival, id uint32) { c.headers(id, true, ":path=/") }),
		body("reset", nil, func(c *rival, id uint32) { _ = c.w.WriteRSTStream(id, xhttp2.ErrCodeCancel) }),
		body("window of nothing", nil, func(c *rival, id uint32) { _ = c.w.WriteWindowUpdate(id, 0) }),
		body("window of too much", nil, func(c *rival, id uint32) { _ = c.w.WriteWindowUpdate(id, maxWindow) }),
		body("on itself", nil, func(c *rival, id uint32) { _ = c.w.WritePriority(id, xhttp2.PriorityParam{StreamDep: id}) }),
		body("priority too short", nil, func(c *rival, id uint32) { _ = c.w.WriteRawFrame(xhttp2.FramePriority, 0, id, []byte("1234")) }),
		body("reset too short", nil, func(c *rival, id uint32) { _ = c.w.WriteRawFrame(xhttp2.FrameRSTStream, 0, id, []byte("123")) }),
		body("continuation", nil, func(c *rival, id uint32) { _ = c.w.WriteContinuation(id, true, nil) }),
		body("padding", nil, func(c *rival, id uint32) { _ = c.w.WriteDataPadded(id, true, []byte("hello"), make([]byte, 9)) }),
		body("too much padding", nil, func(c *rival, id uint32) { _ = c.w.WriteRawFrame(xhttp2.FrameData, flagPadded, id, []byte("\x09")) }),
		body("unknown frame", nil, func(c *rival, id uint32) { _ = c.w.WriteRawFrame(0x99, 0xff, id, []byte("x")); c.data(id, true, "") }),
		{"even stream", func(c *rival, id uint32) { c.headers(id+1, true, ask("GET")...) }},
		{"stream 0", func(c *rival, _ uint32) { c.headers(0, true, ask("GET")...) }},
		{"older stream", func(c *rival, id uint32) { c.headers(id, true, ask("GET")...); c.headers(id-2, true, ask("GET")...) }},
		{"idle data", func(c *rival, id uint32) { c.data(id, true, "x") }},
		{"idle reset", func(c *rival, id uint32) { _ = c.w.WriteRSTStream(id, xhttp2.ErrCodeCancel) }},
		{"idle window", func(c *rival, id uint32) { _ = c.w.WriteWindowUpdate(id, 1) }},
		{"idle priority", func(c *rival, id uint32) { _ = c.w.WritePriority(id, xhttp2.PriorityParam{StreamDep: 1}) }},
		{"idle on itself", func(c *rival, id uint32) { _ = c.w.WritePriority(id, xhttp2.PriorityParam{StreamDep: id}) }},
		{"malformed block", func(c *rival, id uint32) {
			_ = c.w.WriteRawFrame(xhttp2.FrameHeaders, flagEndHeaders, id, []byte{0x80})
		}},
		{"split block", func(c *rival, id uint32) {
			block := c.pack(ask("GET", "a=b")...)
			_ = c.w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, EndStream: true, BlockFragment: block[:3]})
			_ = c.w.WriteContinuation(id, true, block[3:])
		}},
		{"interrupted block", func(c *rival, id uint32) {
			_ = c.w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, EndStream: true, BlockFragment: c.pack(ask("GET", "a=b")...)})
			_ = c.w.WritePing(false, [8]byte{})
		}},
		{"promise", func(c *rival, id uint32) {
			_ = c.w.WritePushPromise(xhttp2.PushPromiseParam{StreamID: id, PromiseID: 2, EndHeaders: true})
		}},
		{"settings", func(c *rival, _ uint32) {
			_ = c.w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingInitialWindowSize, Val: 100}, xhttp2.Setting{ID: xhttp2.SettingHeaderTableSize, Val: 100})
		}},
		{"settings of push", func(c *rival, _ uint32) { _ = c.w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingEnablePush, Val: 2}) }},
		{"settings of frames", func(c *rival, _ uint32) {
			_ = c.w.WriteSettings(xhttp2.Setting{ID: xhttp2.SettingMaxFrameSize, Val: 2})
		}},
		{"settings too short", func(c *rival, _ uint32) { _ = c.w.WriteRawFrame(xhttp2.FrameSettings, 0, 0, []byte("123")) }},
		{"window of all too much", func(c *rival, _ uint32) { _ = c.w.WriteWindowUpdate(0, maxWindow) }},
		{"ping too short", func(c *rival, _ uint32) { _ = c.w.WriteRawFrame(xhttp2.FramePing, 0, 0, []byte("123")) }},
		{"frame too large", func(c *rival, _ uint32) { _ = c.w.WriteRawFrame(0x99, 0, 0, make([]byte, 2<<20)) }},
	}
}

// A rival is a client that asks a server the same as it does another.
type rival struct {
	out   bytes.Buffer
	w     *xhttp2.Framer
	enc   *hpack.Encoder
	block bytes.Buffer
}

func newRival() *rival {
	c := &rival{}
	c.w = xhttp2.NewFramer(&c.out, nil)
	c.w.AllowIllegalWrites = true
	c.enc = hpack.NewEncoder(&c.block)
	return c
}

func (c *rival) pack(fields ...string) []byte {
	c.block.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f[1:], "=")
		_ = c.enc.WriteField(hpack.HeaderField{Name: f[:1] + name, Value: value})
	}
	return bytes.Clone(c.block.Bytes())
}

func (c *rival) headers(id uint32, end bool, fields ...string) {
	_ = c.w.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: id, EndStream: end, EndHeaders: true, BlockFragment: c.pack(fields...)})
}

func (c *rival) data(id uint32, end bool, data string) { _ = c.w.WriteData(id, end, []byte(data)) }

// outcomes are what a server has said of streams, and of the connection.
type outcomes struct {
	text    bytes.Buffer // not read yet
	r       *xhttp2.Framer
	dec     *hpack.Decoder
	status  string
	streams map[uint32]string
	conn    string
}

func newOutcomes() *outcomes {
	o := &outcomes{streams: map[uint32]string{}}
	o.r = xhttp2.NewFramer(nil, &o.text)
	o.dec = hpack.NewDecoder(defaultTable, func(f hpack.HeaderField) {
		if f.Name == ":status" {
			o.status = f.Value
		}
	})
	return o
}

// of reads what was said and returns what became of a stream.
func (o *outcomes) of(tb testing.TB, id uint32) string {
	tb.Helper()
	for o.text.Len() > 0 {
		f, err := o.r.ReadFrame()
		if err != nil {
			tb.Fatal(err)
		}
		switch f := f.(type) {
		case *xhttp2.HeadersFrame:
			if _, err := o.dec.Write(f.HeaderBlockFragment()); err != nil {
				tb.Fatal(err)
			}
			_ = o.dec.Close()
			o.streams[f.StreamID] = o.status
		case *xhttp2.RSTStreamFrame:
			if o.streams[f.StreamID] == "" { // what comes behind an answer does not count
				o.streams[f.StreamID] = "stream " + Code(f.ErrCode).String()
			}
		case *xhttp2.GoAwayFrame:
			if o.conn == "" && f.ErrCode != xhttp2.ErrCodeNo {
				o.conn = "conn " + Code(f.ErrCode).String()
			}
		}
	}
	if o.conn != "" {
		return o.conn
	}
	return o.streams[id]
}

// ourSide serves with the engine.
type ourSide struct {
	*outcomes
	p        *peer
	handlers []*Stream
}

// say gives the engine frames and runs the handlers as far as they come.
func (o *ourSide) say(frames []byte) {
	o.p.sent.Reset()
	o.p.sent.Write(frames)
	o.p.do(nil)
	for s := o.p.Next(); s != nil; s = o.p.Next() {
		o.handlers = append(o.handlers, s)
	}
	var waiting []*Stream
	for _, s := range o.handlers {
		if _, err := readAll(s); err == nil && !s.Complete() {
			waiting = append(waiting, s)
			continue
		}
		_ = s.Head(299, nil, 0, "")
		s.End(nil)
		s.Release()
	}
	o.handlers = waiting
	o.text.Write(o.p.Take(nil))
}

// theirSide serves with net/http.
type theirSide struct {
	*outcomes
	nc net.Conn
}

// oneConn is a listener with a single connection.
type oneConn struct {
	conns chan net.Conn
	addr  net.TCPAddr
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error { return nil }

func (l *oneConn) Addr() net.Addr { return &l.addr }

// newTheirSide serves within a bubble, until stop is called.
func newTheirSide() (o *theirSide, stop func()) {
	ours, theirs := net.Pipe()
	o = &theirSide{newOutcomes(), ours}
	l := &oneConn{conns: make(chan net.Conn, 1)}
	l.conns <- theirs
	srv := &http.Server{MaxHeaderBytes: rivalHeaderBytes - 320, ErrorLog: log.New(io.Discard, "", 0), Protocols: new(http.Protocols)}
	srv.Protocols.SetUnencryptedHTTP2(true)
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(299)
	})
	go func() { _ = srv.Serve(l) }()
	go func() { _, _ = io.Copy(&o.text, ours) }()
	return o, func() {
		close(l.conns)
		_ = ours.Close()
		_ = srv.Close()
	}
}

// say gives the server frames and waits until nothing happens any more.
func (o *theirSide) say(frames []byte) {
	go func() { _, _ = o.nc.Write(frames) }()
	synctest.Wait()
}

// rivalHeaderBytes is the limit of both.
const rivalHeaderBytes = 2000

// FuzzAgainstNetHTTP demands that what a client sends is judged as net/http does, but
// for the differences that are listed.
func FuzzAgainstNetHTTP(f *testing.F) {
	all := pieces()
	var every []byte
	for i := range all {
		f.Add([]byte{byte(i)})
		f.Add([]byte{byte(i), 0, byte(i), 25})
		every = append(every, byte(i))
	}
	f.Add(every)
	f.Fuzz(func(t *testing.T, order []byte) {
		synctest.Test(t, func(t *testing.T) {
			p := newPeer(t, func(c *Config) { c.HeaderBytes, c.HeaderFields, c.Streams = rivalHeaderBytes, -1, 250 })
			ours := &ourSide{newOutcomes(), p, nil}
			theirs, stop := newTheirSide()
			defer func() {
				stop()
				time.Sleep(time.Minute) // their connection is left open for a while
			}()
			client := newRival()
			client.out.WriteString(xhttp2.ClientPreface)
			_ = client.w.WriteSettings()
			_ = client.w.WriteSettingsAck()
			id := uint32(3)
			for _, i := range order[:min(len(order), 12)] {
				piece := all[int(i)%len(all)]
				piece.send(client, id)
				ours.say(client.out.Bytes())
				theirs.say(bytes.Clone(client.out.Bytes()))
				client.out.Reset()
				got, want := ours.of(t, id), theirs.of(t, id)
				if got != want {
					if _, known := differences[piece.name+": "+got+" / "+want]; !known {
						t.Fatalf("%s: got %q, net/http says %q", piece.name, got, want)
					}
					if ours.conn != theirs.conn {
						return
					}
				}
				if ours.conn != "" {
					return
				}
				id += 2
			}
		})
	})
}

// differences are the pieces that net/http judges otherwise, with our verdict and theirs,
// and why.
var differences = map[string]string{
	"asterisk: 299 / 200":                                                 "it answers OPTIONS * before the handler",
	"connection: stream PROTOCOL_ERROR / 400":                             malformed,
	"te: stream PROTOCOL_ERROR / 400":                                     malformed,
	"transfer-encoding: stream PROTOCOL_ERROR / 400":                      malformed,
	"upgrade: stream PROTOCOL_ERROR / 400":                                malformed,
	"method with a space: stream PROTOCOL_ERROR / 299":                    "it leaves the method to the handler",
	"too short: stream PROTOCOL_ERROR / 299":                              "it leaves a body that ends early to the handler, which takes it here",
	"value too long: 431 / conn COMPRESSION_ERROR":                        "it does not decode strings beyond its limit, and so loses its table",
	"priority too short: stream FRAME_SIZE_ERROR / conn FRAME_SIZE_ERROR": "RFC 9113, section 6.3 demands a stream error",
	"idle on itself: conn PROTOCOL_ERROR / stream PROTOCOL_ERROR":         "an idle stream must not be reset (RFC 9113, section 6.4)",
	"older stream: 299 / conn PROTOCOL_ERROR":                             "fields of a stream that we have reset may be on their way (RFC 9113, section 5.1)",
	"older stream: conn STREAM_CLOSED / conn PROTOCOL_ERROR":              "we know that it has ended (RFC 9113, section 5.1), it only that ids must grow",
}

const malformed = "RFC 9113, section 8.1.1 demands a stream error and allows an answer before it"
