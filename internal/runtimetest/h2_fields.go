package runtimetest

import (
	"strings"
	"sync/atomic"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako"
)

func fieldSizeCases() []testCase {
	many := slicesOf("x-many: 1", 200)
	long := slicesOf("x-some: "+strings.Repeat("a", 1000), 99)
	return []testCase{
		{id: "H2-04/fields", run: tooManyFields(tako.Limits{}, many), faults: []fault{unlimited, unanswered}},
		{id: "H2-04/bytes", run: tooManyFields(tako.Limits{HeaderFields: tako.NoLimit}, long), faults: []fault{unlimited, unanswered}},
		{id: "H2-04/one-field", run: tooManyFields(tako.Limits{}, []string{"x-long: " + strings.Repeat("a", 70<<10)}), faults: []fault{unlimited, unanswered}},
		{id: "H2-04/cookies", run: tooManyFields(tako.Limits{}, slicesOf("cookie: a="+strings.Repeat("b", 1000), 99)), faults: []fault{unlimited, unanswered}},
		{id: "H2-04/far-over", run: farOver, faults: []fault{unlimited, hidden}},
		{id: "H2-04/within", run: fieldsWithin, faults: []fault{limited("few-fields", func(l *tako.Limits) { l.HeaderFields = 10 }), limited("tiny-head", func(l *tako.Limits) { l.HeaderBytes = 1000 })}},
		{id: "H2-04/trailer", run: trailerTooLarge, faults: []fault{unlimited, hidden}},
		{id: "H2-04/advertised", run: advertised, faults: []fault{lost("settings-lost", http2.FrameSettings)}},
	}
}

// marked answers with what it got, so that a client sees whether the tables of
// both sides agree.
func marked(app *tako.Router) {
	app.Get("/mark", func(c *tako.Context) error { return c.Text(200, "mark="+c.RequestHeader("X-Mark")+"\n") })
}

// tooManyFields is refused, and the next request on the connection, whose fields
// refer to those that were refused, is understood.
func tooManyFields(limits tako.Limits, lines []string) func(x *T) {
	return func(x *T) {
		s := x.serve(limits, marked)
		c := s.h2()
		c.ready()
		lines := append([]string{"x-mark: first"}, lines...)
		id := c.open(true, c.get("/mark", append(lines, "x-mark: last")...))
		r, err := c.outcome(id)
		if err == nil && r.status != 431 {
			x.Fatalf("got status %d, want 431 or the stream reset", r.status)
		}
		for _, mark := range []string{"first", "last", "new"} {
			if got := c.expect(c.open(true, c.get("/mark", "x-mark: "+mark)), 200).line("mark"); got != mark {
				x.Errorf("the next request has mark %q, want %q", got, mark)
			}
		}
	}
}

// farOver may end the connection.
func farOver(x *T) {
	s := x.serve(tako.Limits{}, marked)
	s.frayed = true
	c := s.h2()
	c.ready()
	r, err := c.outcome(c.open(true, c.get("/mark", "x-long: "+strings.Repeat("\x7e", 1<<20))))
	if err == nil && r.status != 431 || err != nil && strings.Contains(err.Error(), "has no end") {
		x.Fatalf("got status %d and %v, want a refusal", r.status, err)
	}
	s.h2().ask("/mark")
}

func fieldsWithin(x *T) {
	s := x.serve(tako.Limits{}, marked)
	c := s.h2()
	c.ready()
	c.expect(c.open(true, c.get("/mark", slicesOf("x-many: 1", 90)...)), 200)
	c.expect(c.open(true, c.get("/mark", "x-long: "+strings.Repeat("a", 50<<10))), 200)
	// Clients split cookies for the sake of the table: together they are one field.
	c.expect(c.open(true, c.get("/mark", slicesOf("cookie: a=b", 200)...)), 200)
}

// trailerTooLarge counts like a head.
func trailerTooLarge(x *T) {
	for _, lines := range [][]string{slicesOf("x-many: 1", 2000), {"x-long: " + strings.Repeat("a", 200<<10)}} {
		var reads atomic.Int64
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Post("/form", func(c *tako.Context) error {
				_, err := c.ReadBody()
				if err == nil {
					reads.Add(1)
				}
				return err
			})
		})
		s.frayed = true
		c := s.h2()
		c.ready()
		id := c.open(false, c.request("POST", "/form"))
		c.data(id, false, []byte("hello"))
		block := c.encode(c.request("", "", lines...)[4:])
		c.write(func(fr *http2.Framer) { writeBlock(fr, id, true, block) })
		r, err := c.outcome(id)
		if err == nil && (r.status < 400 || r.status == 500) || err != nil && strings.Contains(err.Error(), "has no end") {
			x.Fatalf("got status %d and %v, want a refusal", r.status, err)
		}
		if reads.Load() > 0 {
			x.Error("a handler took the body for whole")
		}
	}
}

// advertised looks at what the server tells of its limits.
func advertised(x *T) {
	s := x.serveWith(setup{limits: tako.Limits{HeaderBytes: 10_000}, http2: tako.HTTP2Config{Streams: 7, Window: 100_000}}, nil)
	c := s.h2()
	c.ready()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := c.settings[http2.SettingMaxConcurrentStreams]; got != 7 {
		x.Errorf("MAX_CONCURRENT_STREAMS is %d, want 7", got)
	}
	if got := c.settings[http2.SettingInitialWindowSize]; got != 100_000 {
		x.Errorf("INITIAL_WINDOW_SIZE is %d, want 100000", got)
	}
	if got := c.settings[http2.SettingMaxHeaderListSize]; got < 10_000 || got > 20_000 {
		x.Errorf("MAX_HEADER_LIST_SIZE is %d, want about the limit of 10000", got)
	}
	if push, ok := c.settings[http2.SettingEnablePush]; ok && push != 0 {
		x.Error("a server must not send ENABLE_PUSH 1")
	}
}

func compressionCases() (all []testCase) {
	blocks := map[string]string{
		"table-update-over":  "\x3f\xe1\xff\x3f\x82\x86\x84",
		"table-update-late":  "\x82\x86\x84\x40\x01a\x01b\x20",
		"bad-index":          "\x82\x86\x84\xff\xa0\x1e",
		"index-zero":         "\x82\x86\x84\x80",
		"integer-too-long":   "\x82\x86\x84\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"name-cut":           "\x82\x86\x84\x00\x7f" + "abc",
		"value-cut":          "\x82\x86\x84\x00\x01a\x7f\x00abc",
		"huffman-end":        "\x82\x86\x84\x00\x84\xff\xff\xff\xff\x01a",
		"huffman-padding":    "\x82\x86\x84\x00\x82\x1f\xff\x01a",
		"huffman-pads-zeros": "\x82\x86\x84\x00\x81\x18\x01a",
	}
	for name, block := range blocks {
		all = append(all, testCase{id: "H2-05/" + name, run: badBlock(block), faults: []fault{hidden, recoded}})
	}
	return append(all, testCase{id: "H2-05/repeated-entry", run: bomb, faults: []fault{unlimited, hidden}})
}

// badBlock is an error of the whole connection: nobody knows the table any more.
func badBlock(block string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, nil)
		s.frayed = true
		c := s.h2()
		c.ready()
		c.write(func(fr *http2.Framer) { writeBlock(fr, 1, true, []byte(block)) })
		c.dies(http2.ErrCodeCompression)
	}
}

// bomb refers to one large entry of the table many times: some bytes become many.
func bomb(x *T) {
	var seen atomic.Int64
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/bomb", func(c *tako.Context) error {
			seen.Add(1)
			return c.Text(200, "bomb")
		})
	})
	s.frayed = true
	c := s.h2()
	c.ready()
	c.expect(c.open(true, c.get(alivePath, "x-large: "+strings.Repeat("a", 3900))), 200)
	block := c.encode(c.get("/bomb", "x-large: "+strings.Repeat("a", 3900)))
	block = append(block, strings.Repeat(string(block[len(block)-1:]), 8000)...)
	st := c.reserve(c.get("/bomb"))
	c.write(func(fr *http2.Framer) { writeBlock(fr, st.id, true, block) })
	r, err := c.outcome(st.id)
	if err == nil && r.status != 431 || err != nil && strings.Contains(err.Error(), "has no end") {
		x.Fatalf("got status %d and %v, want a refusal", r.status, err)
	}
	if seen.Load() > 0 && x.fault == nil {
		x.Error("a handler got 30 MB of fields")
	}
	s.h2().ask(alivePath)
}

// malformedCases are requests that nobody may take for a request: RFC 9113,
// sections 8.2 and 8.3.
func malformedCases() (all []testCase) {
	pseudo := func(without string, more ...string) []hpack.HeaderField {
		var fields []hpack.HeaderField
		for _, f := range [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a.example"}, {":path", "/x"}} {
			if f[0] != without {
				fields = append(fields, hpack.HeaderField{Name: f[0], Value: f[1]})
			}
		}
		for _, line := range more {
			name, value, _ := strings.Cut(line[1:], ":")
			fields = append(fields, hpack.HeaderField{Name: line[:1] + name, Value: value})
		}
		return fields
	}
	swap := func(name, value string) []hpack.HeaderField {
		fields := pseudo("")
		for i := range fields {
			if fields[i].Name == name {
				fields[i].Value = value
			}
		}
		return fields
	}
	rows := map[string][]hpack.HeaderField{
		"H2-10/no-method": pseudo(":method"), "H2-10/no-scheme": pseudo(":scheme"), "H2-10/no-path": pseudo(":path"), "H2-10/no-authority": pseudo(":authority"),
		"H2-10/method-doubled": pseudo("", ":method:GET"), "H2-10/scheme-doubled": pseudo("", ":scheme:http"), "H2-10/path-doubled": pseudo("", ":path:/y"),
		"H2-10/authority-doubled": pseudo("", ":authority:b.example"), "H2-10/unknown-pseudo": pseudo("", ":other:x"), "H2-10/response-pseudo": pseudo("", ":status:200"),
		"H2-10/pseudo-behind": append(pseudo(":path", "x-name:a"), hpack.HeaderField{Name: ":path", Value: "/x"}), "H2-10/upper-case": pseudo("", "X-Name:a"),
		"H2-10/upper-case-inside": pseudo("", "x-Name:a"), "H2-10/connection": pseudo("", "connection:x-name"), "H2-10/keep-alive": pseudo("", "keep-alive:timeout=5"),
		"H2-10/proxy-connection": pseudo("", "proxy-connection:close"), "H2-10/transfer-encoding": pseudo("", "transfer-encoding:chunked"), "H2-10/upgrade": pseudo("", "upgrade:h2c"),
		"H2-10/te-gzip": pseudo("", "te:gzip"), "H2-10/te-list": pseudo("", "te:trailers, gzip"), "H2-10/path-empty": swap(":path", ""), "H2-10/path-no-slash": swap(":path", "x"),
		"H2-10/asterisk-get": swap(":path", "*"), "H2-10/authority-empty": swap(":authority", ""), "H2-10/method-empty": swap(":method", ""),
		"H2-11/line-feed": pseudo("", "x-name:a\nb"), "H2-11/carriage-return": pseudo("", "x-name:a\rb"), "H2-11/nul": pseudo("", "x-name:a\x00b"), "H2-11/second-field": pseudo("", "x-name:a\r\nx-evil: b"),
		"H2-11/leading-space": pseudo("", "x-name: a"), "H2-11/trailing-space": pseudo("", "x-name:a "), "H2-11/leading-tab": pseudo("", "x-name:\ta"), "H2-11/trailing-tab": pseudo("", "x-name:a\t"),
		"H2-11/name-space": pseudo("", "x name:a"), "H2-11/name-line-feed": pseudo("", "x\nname:a"), "H2-11/name-nul": pseudo("", "x\x00name:a"), "H2-11/name-delete": pseudo("", "x\x7fname:a"),
		"H2-11/name-not-ascii": pseudo("", "x-n\xc3\xa4me:a"), "H2-11/name-empty": append(pseudo(""), hpack.HeaderField{Name: "", Value: "a"}),
		"H2-11/name-colon": append(pseudo(""), hpack.HeaderField{Name: "x:name", Value: "a"}),
		"H2-11/user":       swap(":authority", "user@a.example"), "H2-11/password": swap(":authority", "user:pass@a.example"), "H2-11/authority-space": swap(":authority", "a b"),
		"H2-11/authority-slash": swap(":authority", "a.example/x"), "H2-11/authority-port": swap(":authority", "a.example:99999"), "H2-11/host-differs": pseudo("", "host:b.example"), "H2-11/host-doubled": pseudo("", "host:a.example", "host:b.example"),
		"H2-11/path-space": swap(":path", "/a b"), "H2-11/path-nul": swap(":path", "/a\x00b"), "H2-11/path-line-feed": swap(":path", "/a\nb"), "H2-11/path-not-ascii": swap(":path", "/\xc3\xa4"),
		"H2-11/path-fragment": swap(":path", "/x#part"), "H2-11/method-space": swap(":method", "GE T"), "H2-11/method-line-feed": swap(":method", "GET\n"), "H2-11/path-absolute": swap(":path", "http://b.example/x"),
	}
	for id, fields := range rows {
		all = append(all, testCase{id: id, run: malformed(fields), faults: []fault{hidden}})
	}
	return append(all,
		testCase{id: "H2-10/pseudo-in-trailer", run: malformedTrailer(":path", "/x"), faults: []fault{hidden, around("upload-completed", completing)}},
		testCase{id: "H2-10/upper-case-in-trailer", run: malformedTrailer("X-Name", "a"), faults: []fault{hidden, around("upload-completed", completing)}},
		testCase{id: "H2-10/trailer-does-not-end", run: trailerGoesOn, faults: []fault{hidden, around("upload-completed", completing)}},
		testCase{id: "H2-10/fine", run: wellFormed, faults: []fault{unanswered, bodies("lost", "body=", "body=x")}},
	)
}

// malformed must not reach a handler, and spoils nothing else.
func malformed(fields []hpack.HeaderField) func(x *T) {
	return func(x *T) {
		var seen echoes
		s := x.serve(tako.Limits{}, seen.routes)
		c := s.h2()
		c.ready()
		own := make([]hpack.HeaderField, len(fields))
		copy(own, fields)
		for i, f := range own {
			if f.Name == ":scheme" {
				own[i].Value = x.scheme()
			}
		}
		id := c.open(true, own)
		r, err := c.outcome(id)
		switch {
		case err == nil && r.status != 400:
			x.Errorf("got status %d, want 400 or PROTOCOL_ERROR", r.status)
		case err != nil && !strings.Contains(err.Error(), "was reset with PROTOCOL_ERROR"):
			x.Errorf("got %v, want PROTOCOL_ERROR of the stream", err)
		}
		if n := seen.others.Load(); n > 0 {
			x.Error("a handler has seen the request")
		}
		c.ask("/next")
	}
}

// malformedTrailer ends a body that is fine with a trailer that is not.
func malformedTrailer(name, value string) func(x *T) {
	return func(x *T) {
		c, id, ended := beginUpload(x)
		c.write(func(fr *http2.Framer) {
			writeBlock(fr, id, true, c.encode([]hpack.HeaderField{{Name: name, Value: value}}))
		})
		if err := waitFor(x, "the read to end", ended); err == nil {
			x.Error("the handler took the body for whole")
		}
		if r, err := c.outcome(id); err == nil && r.status != 400 || err != nil && !strings.Contains(err.Error(), "PROTOCOL_ERROR") {
			x.Errorf("got status %d and %v, want 400 or PROTOCOL_ERROR", r.status, err)
		}
		c.ask(alivePath)
	}
}

// beginUpload begins an upload whose reading ends with what is sent to ended.
func beginUpload(x *T, lines ...string) (c *frameClient, id uint32, ended chan error) {
	ended = make(chan error, 1)
	entered := make(chan struct{}, 1)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			entered <- struct{}{}
			body, err := c.ReadBody()
			ended <- err
			if err != nil {
				return err
			}
			return c.Text(200, string(body))
		})
	})
	c = s.h2()
	c.ready()
	id = c.open(false, c.request("POST", "/form", lines...))
	c.data(id, false, []byte("hello"))
	waitFor(x, "the handler", entered)
	return c, id, ended
}

// trailerGoesOn sends a second field section that does not end the stream.
func trailerGoesOn(x *T) {
	c, id, ended := beginUpload(x)
	c.write(func(fr *http2.Framer) {
		writeBlock(fr, id, false, c.encode([]hpack.HeaderField{{Name: "x-sum", Value: "a"}}))
	})
	if err := waitFor(x, "the read to end", ended); err == nil {
		x.Error("the handler took the body for whole")
	}
	c.resets(id, http2.ErrCodeProtocol)
}

// wellFormed has what looks odd but is right.
func wellFormed(x *T) {
	var seen echoes
	s := x.serve(tako.Limits{}, seen.routes)
	c := s.h2()
	c.ready()
	for _, lines := range [][]string{{"te: trailers"}, {"host: a.example"}, {"cookie: a=b", "cookie: c=d"}, {"x-empty: "}, {"x-high: \xc3\xa4\xff"}, {"x-tab: a\tb"}, {"trailer: x-sum"}} {
		r := c.expect(c.open(true, c.get("/x", lines...)), 200)
		if r.line("body") != "" {
			x.Errorf("%q: the body is %q", lines, r.line("body"))
		}
		if lines[0] == "cookie: a=b" && r.line("field Cookie") != `"a=b; c=d"` {
			x.Errorf("the cookies arrive as %s, want them joined (RFC 9113, section 8.2.3)", r.line("field Cookie"))
		}
	}
	if r := c.expect(c.open(true, c.request("OPTIONS", "*")), 200, 204, 404); r.status == 200 && r.line("path") == "/x" {
		x.Error("OPTIONS * was routed as a path")
	}
}
