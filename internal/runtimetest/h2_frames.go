package runtimetest

import (
	"io"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako"
)

// A wrongFrame is something a client must not send, and what it must lead to. The
// suite of h2spec has more of them; these show the scope of the error.
type wrongFrame struct {
	send   func(c *frameClient)
	conn   []http2.ErrCode // an error of the connection
	stream []http2.ErrCode // an error of stream 1
}

const (
	wrongProtocol = http2.ErrCodeProtocol
	wrongSize     = http2.ErrCodeFrameSize
	wrongFlow     = http2.ErrCodeFlowControl
	wrongClosed   = http2.ErrCodeStreamClosed
)

// raw is a frame of any type.
func rawFrame(t http2.FrameType, flags http2.Flags, id uint32, payload string) func(c *frameClient) {
	return func(c *frameClient) {
		c.write(func(fr *http2.Framer) { _ = fr.WriteRawFrame(t, flags, id, []byte(payload)) })
	}
}

// onOpen begins an upload on stream 1 first.
func onOpen(send func(c *frameClient)) func(c *frameClient) {
	return func(c *frameClient) {
		c.open(false, c.request("POST", "/form"))
		send(c)
	}
}

// setting sends one setting.
func setting(id http2.SettingID, value uint32) func(c *frameClient) {
	return func(c *frameClient) {
		c.write(func(fr *http2.Framer) { _ = fr.WriteSettings(http2.Setting{ID: id, Val: value}) })
	}
}

func wrongFrames() map[string]wrongFrame {
	one := func(code http2.ErrCode) []http2.ErrCode { return []http2.ErrCode{code} }
	protocol, size, flow := one(wrongProtocol), one(wrongSize), one(wrongFlow)
	closed := []http2.ErrCode{wrongClosed, wrongProtocol}
	const head = "\x82\x86\x84"
	return map[string]wrongFrame{
		"data-on-0":            {send: rawFrame(http2.FrameData, 0, 0, "a"), conn: protocol},
		"headers-on-0":         {send: rawFrame(http2.FrameHeaders, 4, 0, head), conn: protocol},
		"reset-on-0":           {send: rawFrame(http2.FrameRSTStream, 0, 0, "\x00\x00\x00\x08"), conn: protocol},
		"priority-on-0":        {send: rawFrame(http2.FramePriority, 0, 0, "\x00\x00\x00\x00\x00"), conn: protocol},
		"continuation-on-0":    {send: rawFrame(http2.FrameContinuation, 4, 0, head), conn: protocol},
		"settings-on-stream":   {send: rawFrame(http2.FrameSettings, 0, 1, ""), conn: protocol},
		"ping-on-stream":       {send: rawFrame(http2.FramePing, 0, 1, "12345678"), conn: protocol},
		"goaway-on-stream":     {send: rawFrame(http2.FrameGoAway, 0, 1, "\x00\x00\x00\x00\x00\x00\x00\x00"), conn: protocol},
		"settings-size":        {send: rawFrame(http2.FrameSettings, 0, 0, "12345"), conn: size},
		"settings-ack-size":    {send: rawFrame(http2.FrameSettings, 1, 0, "123456"), conn: size},
		"ping-size":            {send: rawFrame(http2.FramePing, 0, 0, "1234567"), conn: size},
		"reset-size":           {send: onOpen(rawFrame(http2.FrameRSTStream, 0, 1, "123")), conn: size},
		"window-update-size":   {send: rawFrame(http2.FrameWindowUpdate, 0, 0, "123"), conn: size},
		"goaway-size":          {send: rawFrame(http2.FrameGoAway, 0, 0, "1234"), conn: size},
		"frame-too-large":      {send: onOpen(tooLarge(http2.FrameData, 0)), conn: size, stream: size},
		"headers-too-large":    {send: tooLarge(http2.FrameHeaders, 5), conn: size},
		"data-on-idle":         {send: rawFrame(http2.FrameData, 0, 1, "a"), conn: protocol},
		"reset-on-idle":        {send: rawFrame(http2.FrameRSTStream, 0, 1, "\x00\x00\x00\x08"), conn: protocol},
		"window-on-idle":       {send: rawFrame(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x01"), conn: protocol},
		"even-stream":          {send: rawFrame(http2.FrameHeaders, 5, 2, head), conn: protocol},
		"lower-stream":         {send: lowerStream, conn: closed},
		"continuation-alone":   {send: onOpen(rawFrame(http2.FrameContinuation, 4, 1, head)), conn: protocol},
		"continuation-other":   {send: between(rawFrame(http2.FrameContinuation, 4, 3, "")), conn: protocol},
		"block-interrupted":    {send: between(rawFrame(http2.FrameData, 0, 1, "a")), conn: protocol},
		"block-with-ping":      {send: between(rawFrame(http2.FramePing, 0, 0, "12345678")), conn: protocol},
		"block-with-unknown":   {send: between(rawFrame(0xfa, 0, 1, "a")), conn: protocol},
		"push-promise":         {send: onOpen(rawFrame(http2.FramePushPromise, 4, 1, "\x00\x00\x00\x02"+head)), conn: protocol},
		"window-zero":          {send: rawFrame(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), conn: protocol},
		"window-overflow":      {send: rawFrame(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), conn: flow},
		"push-2":               {send: setting(http2.SettingEnablePush, 2), conn: protocol},
		"initial-window":       {send: setting(http2.SettingInitialWindowSize, 1<<31), conn: flow},
		"frame-size-small":     {send: setting(http2.SettingMaxFrameSize, 16383), conn: protocol},
		"frame-size-large":     {send: setting(http2.SettingMaxFrameSize, 1<<24), conn: protocol},
		"settings-overflow":    {send: settingsOverflow, conn: flow},
		"priorities-changed":   {send: setting(0x9, 1), conn: protocol},
		"priority-update-even": {send: rawFrame(0x10, 0, 0, "\x00\x00\x00\x02u=1"), conn: protocol},
		"padding-data":         {send: onOpen(rawFrame(http2.FrameData, 8, 1, "\x05abc")), conn: protocol},
		"padding-headers":      {send: rawFrame(http2.FrameHeaders, 8|5, 1, "\x07"+head), conn: protocol},
		"padding-missing":      {send: onOpen(rawFrame(http2.FrameData, 8, 1, "")), conn: append(protocol, wrongSize)},
		"stream-window-zero":   {send: onOpen(rawFrame(http2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00")), stream: protocol},
		"stream-overflow":      {send: onOpen(rawFrame(http2.FrameWindowUpdate, 0, 1, "\x7f\xff\xff\xff")), stream: flow},
		"priority-size":        {send: onOpen(rawFrame(http2.FramePriority, 0, 1, "\x00\x00\x00\x00")), stream: size, conn: size},
		"data-behind-end":      {send: dataBehindEnd, stream: one(wrongClosed), conn: one(wrongClosed)},
		"data-over-window":     {send: dataOverWindow, stream: flow, conn: flow},
		"headers-behind-reset": {send: headersBehindReset, stream: one(wrongClosed), conn: closed},
	}
}

// between puts a frame into a field block.
func between(send func(c *frameClient)) func(c *frameClient) {
	return func(c *frameClient) {
		c.write(func(fr *http2.Framer) {
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndStream: true, BlockFragment: []byte("\x82")})
		})
		send(c)
	}
}

func lowerStream(c *frameClient) {
	block := c.encode(c.get("/hello"))
	c.write(func(fr *http2.Framer) {
		writeBlock(fr, 5, true, block)
		writeBlock(fr, 3, true, c.encode(c.get("/hello")))
	})
}

// settingsOverflow grows windows that are large already.
func settingsOverflow(c *frameClient) {
	id := c.open(false, c.request("POST", "/form"))
	c.write(func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(id, 1<<31-1-initialWindow) })
	setting(http2.SettingInitialWindowSize, initialWindow+1)(c)
}

func dataBehindEnd(c *frameClient) {
	c.open(true, c.request("POST", "/wait"))
	c.data(1, true, []byte("more"))
}

func dataOverWindow(c *frameClient) {
	c.open(false, c.request("POST", "/wait"))
	for left := c.advertises(http2.SettingInitialWindowSize, initialWindow) + 1; left > 0; left -= 16384 {
		c.data(1, false, make([]byte, min(left, 16384)))
	}
}

// tooLarge is a frame of one byte more than the server takes.
func tooLarge(t http2.FrameType, flags http2.Flags) func(c *frameClient) {
	return func(c *frameClient) {
		rawFrame(t, flags, 1, strings.Repeat("\x82", c.advertises(http2.SettingMaxFrameSize, 16384)+1))(c)
	}
}

// advertises returns a setting of the server.
func (c *frameClient) advertises(id http2.SettingID, otherwise int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.settings[id]; ok {
		return int(v)
	}
	return otherwise
}

// headersBehindReset goes on with a stream that the client itself has reset.
func headersBehindReset(c *frameClient) {
	c.open(false, c.request("POST", "/wait"))
	c.write(func(fr *http2.Framer) {
		_ = fr.WriteRSTStream(1, http2.ErrCodeCancel)
		writeBlock(fr, 1, true, c.encode(c.get("/hello")))
	})
}

func frameCases() (all []testCase) {
	for id, w := range wrongFrames() {
		all = append(all, testCase{id: "H2-13/" + id, run: w.run, faults: []fault{hidden, recoded}})
	}
	ignored := []fault{unanswered, bodies("lost", "body=hello", "body=")}
	return append(all,
		testCase{id: "H2-15/unknown-frames", run: ignores(unknownFrames), faults: ignored},
		testCase{id: "H2-15/unknown-settings", run: ignores(setting(0xf0f0, 7)), faults: ignored},
		testCase{id: "H2-15/priority-update", run: ignores(rawFrame(0x10, 0, 0, "\x00\x00\x00\x01u=3, i")), faults: ignored},
		testCase{id: "H2-15/priority-idle", run: ignores(rawFrame(http2.FramePriority, 0, 77, "\x00\x00\x00\x00\x10")), faults: ignored},
		testCase{id: "H2-15/unknown-flags", run: ignores(rawFrame(http2.FramePing, 0xf6, 0, "12345678")), faults: ignored},
		testCase{id: "H2-15/ping-answer-unasked", run: ignores(rawFrame(http2.FramePing, 1, 0, "12345678")), faults: ignored},
		testCase{id: "H2-15/reserved-bit", run: reservedBit, faults: ignored},
		testCase{id: "H2-17/connection-fields", run: hopByHopFields, faults: []fault{fieldAdded("connection", "close"), fieldAdded("transfer-encoding", "chunked"), fieldAdded("te", "gzip"), fieldAdded("x-own", "named")}},
		testCase{id: "H2-17/form", run: responseForm, faults: []fault{fieldAdded("X-Upper", "a"), lost("trailer-lost", http2.FrameHeaders)}},
	)
}

func (w wrongFrame) run(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		hello(app)
		app.Post("/form", func(c *tako.Context) error {
			_, err := io.Copy(io.Discard, c.Body())
			return err
		})
		app.Post("/wait", func(c *tako.Context) error { return waiting(c, x.Context().Done()) })
	})
	s.frayed = true
	c := s.h2()
	c.ready()
	w.send(c)
	st := func() *http2.ErrCode {
		if st := c.streams[1]; st != nil {
			return st.reset
		}
		return nil
	}
	if !c.await(x.patience, func() bool { return c.err != nil || w.stream != nil && st() != nil }) {
		x.Fatalf("nothing happens: %v", c.goAways)
	}
	switch {
	case w.conn != nil && (w.stream == nil || c.ended()):
		c.dies(w.conn...)
		s.h2().ask("/hello")
	default:
		c.resets(1, w.stream...)
		if w.conn == nil {
			c.mu.Lock()
			c.next = max(c.next, 7)
			c.mu.Unlock()
			c.ask("/hello")
		}
	}
}

// ignores sends something in the middle of a request that must not matter.
func ignores(send func(c *frameClient)) func(x *T) {
	return func(x *T) {
		var seen echoes
		c := x.serve(tako.Limits{}, seen.routes).h2()
		c.ready()
		send(c)
		id := c.open(false, c.request("POST", "/x"))
		send(c)
		c.data(id, false, []byte("hel"))
		send(c)
		c.data(id, true, []byte("lo"))
		send(c)
		if got := c.expect(id, 200).line("body"); got != "hello" {
			x.Errorf("got body %q", got)
		}
		c.ask("/next")
	}
}

func unknownFrames(c *frameClient) {
	for _, id := range []uint32{0, 1, 101} {
		rawFrame(0xfa, 0xff, id, "whatever")(c)
		rawFrame(0x0b, 0, id, "")(c)
	}
}

// reservedBit is set in every stream identifier.
func reservedBit(x *T) {
	var seen echoes
	c := x.serve(tako.Limits{}, seen.routes).h2()
	c.ready()
	st := c.reserve(c.request("POST", "/x"))
	block := c.encode(c.request("POST", "/x"))
	rawFrame(http2.FrameHeaders, 4, 1<<31|st.id, string(block))(c)
	rawFrame(http2.FrameData, 1, 1<<31|st.id, "hello")(c)
	if got := c.expect(st.id, 200).line("body"); got != "hello" {
		x.Errorf("got body %q", got)
	}
	c.ask("/next")
}

// hopByHopFields are set by a handler that thinks of HTTP/1.1.
func hopByHopFields(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/old", func(c *tako.Context) error {
			for name, value := range map[string]string{"Connection": "x-own, keep-alive", "Keep-Alive": "timeout=5", "Proxy-Connection": "keep-alive", "Upgrade": "h2c", "TE": "gzip", "HTTP2-Settings": "AAMAAABk"} {
				c.Header().Set(name, value)
			}
			c.Header().Set("X-Own", "for the connection")
			c.Header().Set("X-Other", "kept")
			return c.Text(200, "old")
		})
		app.Get("/chunked", func(c *tako.Context) error {
			c.Header().Set("Transfer-Encoding", "chunked")
			_, err := c.WriteString("chunked")
			return err
		})
		app.Get("/close", func(c *tako.Context) error {
			c.Header().Set("Connection", "close")
			return c.Text(200, "close")
		})
	})
	for _, path := range []string{"/old", "/chunked", "/close"} {
		// The client takes a response with such fields for malformed.
		r := s.h2().ask(path)
		if r.body != path[1:] {
			x.Errorf("%s: got %q", path, r.body)
		}
		if path == "/old" && (r.get("x-own") != "" || r.get("x-other") != "kept") {
			x.Errorf("the fields are %v, want x-other and not what Connection names", r.fields)
		}
	}
}

// responseForm looks at what is particular to responses over HTTP/2.
func responseForm(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/whole", func(c *tako.Context) error {
			c.Header().Set("X-Mixed-Case", "a")
			return c.Text(200, "whole")
		})
		app.Get("/sum", func(c *tako.Context) error {
			_, _ = c.WriteString("hello")
			c.Trailer().Set("X-Sum", "abc")
			return nil
		})
	})
	c := s.h2()
	r := c.ask("/whole")
	if r.get("content-length") != "5" || r.get("date") == "" || r.get("x-mixed-case") != "a" {
		x.Errorf("the fields are %v", r.fields)
	}
	if r := c.ask("/sum"); len(r.trailer) != 1 || r.trailer[0] != (field{"x-sum", "abc"}) {
		x.Errorf("the trailer is %v", r.trailer)
	}
	id := c.open(true, []hpack.HeaderField{{Name: ":method", Value: "HEAD"}, {Name: ":scheme", Value: x.scheme()}, {Name: ":authority", Value: "a.example"}, {Name: ":path", Value: "/whole"}})
	if r := c.expect(id, 200); r.get("content-length") != "5" || r.body != "" {
		x.Errorf("HEAD: length %q, body %q", r.get("content-length"), r.body)
	}
}
