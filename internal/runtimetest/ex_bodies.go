package runtimetest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/cbor"
	"github.com/tako-go/tako/codec/msgpack"
	"github.com/tako-go/tako/codec/protobuf"
	"github.com/tako-go/tako/extract"
)

func bodyLimitCases() []testCase {
	raised := around("limit-off", func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error { _ = c.LimitBody(tako.NoLimit); return next(c) }
	})
	lowered := around("limit-low", func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error { _ = c.LimitBody(1000); return next(c) }
	})
	all := []testCase{
		{id: "EX-01/override", run: limitOverride, faults: []fault{raised, replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 413 ")}},
		{id: "EX-01/huge", run: hugeBody, faults: []fault{turned("413")}},
		{id: "EX-02/declared", run: declaredTooLarge, faults: []fault{raised, turned("413")}},
		{id: "EX-02/chunked", run: chunkedTooLarge, faults: []fault{raised, turned("413")}},
		{id: "EX-02/ignored-error", run: limitIgnored, faults: []fault{raised, replies("more", "read=1048576\n", "read=2000000\n")}},
	}
	for kind, contentType := range bodyKinds {
		all = append(all, testCase{id: "EX-01/" + kind, run: defaultLimit(kind, contentType), faults: []fault{raised, lowered, turned("413")}})
	}
	return append(all,
		testCase{id: "EX-03/unknown-coding", run: unknownCoding, faults: []fault{turned("415"), replies("field-lost", "Accept-Encoding:", "X-Accept-Encoding:")}},
		testCase{id: "EX-03/behind-empty-line", run: behindEmptyLine, faults: []fault{turned("415"), bodies("first-line", "mark=b c\n", "mark=\n"), bodies("absent", "none=\n", "none=x\n")}},
		testCase{id: "EX-04/two-types", run: twoTypes, faults: []fault{turned("400")}},
		testCase{id: "EX-03/decompression", skip: "decompression of request bodies is a middleware"},
	)
}

// bodyKinds are the ways to take a body, with the media type each wants.
var bodyKinds = map[string]string{
	"json": "application/json", "typed": "application/json", "form": "application/x-www-form-urlencoded",
	"raw": "text/plain", "bytes": "text/plain", "flow": "text/plain",
	"text": "text/plain; charset=utf-8", "own-bytes": "a/b", "raw-body": "a/b", "stream": "a/b",
	"cbor": "application/cbor", "msgpack": "application/msgpack", "protobuf": "application/protobuf",
	"multipart": asMultipart, "multipart-form": asMultipart,
}

type textBody struct {
	Text string `json:"text" form:"text"`
}

// bodyRoutes take a body in every way there is and answer with its size.
func bodyRoutes(app *tako.Router) {
	size := func(n int) (string, error) { return "size=" + itoa(n), nil }
	tako.Post(app, "/json", func(_ context.Context, in tako.JSON[textBody]) (string, error) { return size(len(in.Value.Text)) })
	tako.Post(app, "/typed", func(_ context.Context, in struct{ Body textBody }) (string, error) { return size(len(in.Body.Text)) })
	tako.Post(app, "/form", func(_ context.Context, in tako.Form[textBody]) (string, error) { return size(len(in.Value.Text)) })
	tako.Post(app, "/bytes", func(_ context.Context, in struct{ Body []byte }) (string, error) { return size(len(in.Body)) })
	tako.Post(app, "/flow", func(_ context.Context, in struct{ Body io.Reader }) (string, error) {
		n, err := io.Copy(io.Discard, in.Body)
		if err != nil {
			return "", err
		}
		return size(int(n))
	})
	app.Post("/raw", func(c *tako.Context) error {
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.Text(200, "size="+itoa(len(body)))
	})
	extractedBodies(app, size)
}

// extractedBodies take them by the extractors of other packages.
func extractedBodies(app *tako.Router, size func(int) (string, error)) {
	tako.Post(app, "/text", func(_ context.Context, in extract.Text) (string, error) { return size(len(in)) })
	tako.Post(app, "/own-bytes", func(_ context.Context, in extract.Bytes) (string, error) { return size(len(in)) })
	tako.Post(app, "/raw-body", func(_ context.Context, in extract.RawBody) (string, error) { return size(len(in)) })
	tako.Post(app, "/stream", func(_ context.Context, in extract.Stream) (string, error) {
		n, err := io.Copy(io.Discard, in)
		if err != nil {
			return "", err
		}
		return size(int(n))
	})
	tako.Post(app, "/cbor", func(_ context.Context, in cbor.Body[textBody]) (string, error) { return size(len(in.Value.Text)) })
	tako.Post(app, "/msgpack", func(_ context.Context, in msgpack.Body[textBody]) (string, error) { return size(len(in.Value.Text)) })
	tako.Post(app, "/protobuf", func(_ context.Context, in protobuf.Body[*wrapperspb.StringValue]) (string, error) {
		return size(len(in.Value.GetValue()))
	})
	tako.Post(app, "/multipart", func(_ context.Context, in extract.Multipart) (string, error) {
		n, err := skim(in)
		if err != nil {
			return "", err
		}
		return size(n.bytes)
	})
	tako.Post(app, "/multipart-form", func(_ context.Context, in extract.MultipartForm[filesForm]) (string, error) {
		return size(int(in.Value.sizes().bytes))
	})
}

// bodyOf returns a body of n bytes in the syntax of its kind. Lengths in it have a fixed
// size.
func bodyOf(kind string, n int) string {
	fill := func(begin, end string) string { return begin + strings.Repeat("x", n-len(begin)-len(end)) + end }
	switch kind {
	case "json", "typed":
		return fill(`{"text":"`, `"}`)
	case "form":
		return fill("text=", "")
	case "cbor": // a map of one pair, text with a length of 32 bits
		return fill("\xa1\x64text\x7a"+bigEndian(n-11), "")
	case "msgpack":
		return fill("\x81\xa4text\xdb"+bigEndian(n-11), "")
	case "protobuf": // field 1, with a length of four groups of seven bits
		size := n - 5
		return fill("\x0a"+string([]byte{byte(size) | 0x80, byte(size>>7) | 0x80, byte(size>>14) | 0x80, byte(size >> 21)}), "")
	case "multipart", "multipart-form":
		return fill("--xx\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n", "\r\n--xx--\r\n")
	}
	return fill("", "")
}

func bigEndian(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }

// defaultLimit sends the limit and one byte more where nobody has set a limit.
func defaultLimit(kind, contentType string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, bodyRoutes)
		for _, over := range []int{0, 1} {
			want := 200
			if over > 0 {
				want = 413
			}
			body := bodyOf(kind, tako.DefaultBodyLimit+over)
			s.ask(request("POST", "/"+kind, body, "Content-Type: "+contentType), want)
			s.ask("POST /"+kind+" HTTP/1.1\r\nHost: a.example\r\nContent-Type: "+contentType+"\r\nTransfer-Encoding: chunked\r\n\r\n"+
				chunks(body), want)
		}
	}
}

// chunks is a chunked body.
func chunks(body string) string {
	var b strings.Builder
	for body != "" {
		n := min(len(body), 60_000)
		b.WriteString(hex(n) + "\r\n" + body[:n] + "\r\n")
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.String()
}

func limitOverride(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		read := func(c *tako.Context) error {
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			return c.Text(200, "size="+itoa(len(body)))
		}
		app.BodyLimit(100)
		app.Post("/small", read)
		app.Post("/large", read, tako.BodyLimit(3<<20))
		app.Post("/any", read, tako.BodyLimit(tako.NoLimit))
		app.Post("/own", func(c *tako.Context) error {
			if err := c.LimitBody(10); err != nil {
				return err
			}
			return read(c)
		})
		group := app.Group("/group")
		group.BodyLimit(200)
		group.Post("/small", read)
	})
	for _, row := range []struct {
		path         string
		size, status int
	}{{"/small", 100, 200}, {"/small", 101, 413}, {"/large", 3 << 20, 200}, {"/large", 3<<20 + 1, 413}, {"/any", 4 << 20, 200},
		{"/own", 10, 200}, {"/own", 11, 413}, {"/group/small", 200, 200}, {"/group/small", 201, 413}} {
		s.ask(request("POST", row.path, strings.Repeat("x", row.size)), row.status)
	}
}

// hugeBody is refused by its declared length, before a byte of it was sent.
func hugeBody(x *T) {
	s := x.serve(tako.Limits{}, bodyRoutes)
	for kind, contentType := range bodyKinds {
		c := s.dial()
		c.send("POST /" + kind + " HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + contentType + "\r\nContent-Length: 1073741824\r\n\r\n")
		c.expect(413)
		_ = c.Close()
	}
}

func declaredTooLarge(x *T) {
	var seen atomic.Int64
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			n, err := c.Body().Read(make([]byte, 10))
			seen.Add(int64(n))
			if err == nil {
				return c.Text(200, "read")
			}
			return err
		})
	})
	c := s.dial()
	c.send(post("some bytes", "Content-Length: 1048577"))
	c.expect(413)
	if seen.Load() > 0 {
		x.Error("the handler got bytes of a body that is declared too large")
	}
}

// chunkedTooLarge never ends: the refusal must come as soon as the limit is passed.
func chunkedTooLarge(x *T) {
	s := x.serve(tako.Limits{}, bodyRoutes)
	s.frayed = true
	c := s.dial()
	go func() {
		c.send("POST /raw HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n")
		chunk := "10000\r\n" + strings.Repeat("x", 1<<16) + "\r\n"
		for range 20 {
			c.send(chunk)
		}
	}()
	c.expect(413)
}

// limitIgnored has a handler that goes on reading after the error.
func limitIgnored(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			n, err := io.Copy(io.Discard, c.Body())
			if !errors.Is(err, tako.ErrBodyTooLarge) {
				return err
			}
			more, _ := io.Copy(io.Discard, c.Body())
			return c.Text(200, "read="+itoa(int(n+more))+"\n")
		})
	})
	c := s.dial()
	c.send("POST /form HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n", chunks(strings.Repeat("x", 1200_000)))
	if got := c.expect(200).line("read"); got != itoa(tako.DefaultBodyLimit) {
		x.Errorf("the handler got %s bytes, the limit is %d", got, tako.DefaultBodyLimit)
	}
}

func unknownCoding(x *T) {
	s := x.serve(tako.Limits{}, bodyRoutes)
	for _, coding := range []string{"gzip", "br", "zstd", "x-unknown", "gzip, gzip", "identity, gzip"} {
		for _, kind := range []string{"json", "typed", "form", "text", "cbor", "msgpack", "protobuf", "multipart", "multipart-form"} {
			r := s.ask(request("POST", "/"+kind, bodyOf(kind, 100), "Content-Type: "+bodyKinds[kind], "Content-Encoding: "+coding), 415)
			if len(r.all("Accept-Encoding")) == 0 {
				x.Errorf("%s in %s: the refusal has no Accept-Encoding", kind, coding)
			}
		}
	}
	s.ask(request("POST", "/json", bodyOf("json", 40), "Content-Type: application/json", "Content-Encoding: identity"), 200)
}

// behindEmptyLine has fields whose first line is empty. All lines are one list, in which empty
// members do not count (RFC 9110, sections 5.3 and 5.6.1).
func behindEmptyLine(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		bodyRoutes(app)
		app.Get("/mark", func(c *tako.Context) error {
			return c.Text(200, "mark="+c.RequestHeader("X-Mark")+"\nnone="+c.RequestHeader("X-None")+"\n")
		})
	})
	for _, kind := range []string{"json", "typed", "form", "text"} {
		s.ask(request("POST", "/"+kind, bodyOf(kind, 40), "Content-Type: "+bodyKinds[kind], "Content-Encoding: ", "Content-Encoding: gzip"), 415)
		s.ask(request("POST", "/"+kind, bodyOf(kind, 40), "Content-Type: ", "Content-Type: "+bodyKinds[kind], "Content-Encoding: "), 200)
	}
	r := s.ask(request("GET", "/mark", "", "X-Mark: ", "X-Mark: \t ", "X-Mark: b c", "X-Mark: d", "X-None: ", "X-None: "), 200)
	if r.line("mark") != "b c" || r.line("none") != "" {
		x.Errorf("the fields are %q and %q, want %q and %q", r.line("mark"), r.line("none"), "b c", "")
	}
}

// twoTypes has a body that one recipient would read as one thing, and another as another.
func twoTypes(x *T) {
	s := x.serve(tako.Limits{}, bodyRoutes)
	for _, kind := range []string{"json", "typed", "form", "text", "cbor", "msgpack", "protobuf", "multipart", "multipart-form"} {
		own := "Content-Type: " + bodyKinds[kind]
		for _, lines := range [][]string{{own, "Content-Type: a/b"}, {own, own}, {own, "Content-Type: ", "X-Other: 1", own}} {
			s.ask(request("POST", "/"+kind, bodyOf(kind, 100), lines...), 400)
		}
		s.ask(request("POST", "/"+kind, bodyOf(kind, 100), "Content-Type: a/b", own), 415)
	}
	s.ask(request("POST", "/raw", bodyOf("raw", 10), "Content-Type: a/b", "Content-Type: c/d"), 200)
}
