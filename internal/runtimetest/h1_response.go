package runtimetest

import (
	"errors"
	"net/http"

	"github.com/tako-go/tako"
)

func responseCases() []testCase {
	body := func(status string) fault {
		return replies("body-added", "\r\n\r\nHTTP/1.1 200", "\r\n\r\nbody of "+status+"HTTP/1.1 200")
	}
	return []testCase{
		{id: "H1-16/head", run: bodyless("HEAD", "/200", 200), faults: []fault{body("200"), asks("got", "HEAD ", "GET ")}},
		{id: "H1-16/204", run: bodyless("GET", "/204", 204), faults: []fault{body("204"), replies("length", "204 No Content\r\n", "204 No Content\r\nContent-Length: 4\r\n")}},
		{id: "H1-16/304", run: bodyless("GET", "/304", 304), faults: []fault{body("304")}},
		{id: "H1-16/head-of-304", run: bodyless("HEAD", "/304", 304), faults: []fault{body("304")}},
		{id: "H1-16/head-of-stream", run: bodyless("HEAD", "/flushed", 200), faults: []fault{body("200"), asks("got", "HEAD ", "GET ")}},
		{id: "H1-16/1xx", run: informational, faults: []fault{replies("lost", "HTTP/1.1 103 Early Hints", "HTTP/1.1 102 Processing"), replies("body-added", "\r\n\r\nHTTP/1.1 200", "\r\n\r\nbodyHTTP/1.1 200")}},
		{id: "H1-18/more", run: wroteMore, faults: []fault{replies("excess", "12345", "1234567"), twice}},
		{id: "H1-18/declared-and-flushed", run: declaredFlushed, faults: []fault{replies("lost", "Content-Length: 5", "X-Lost: 5"), mute}},
		{id: "H1-18/less", run: wroteOther("/less"), faults: []fault{replies("shortened", "Content-Length: 10\r\n", "Content-Length: 5\r\n"), replies("filled", "12345", "1234567890")}},
		{id: "H1-18/less-unflushed", run: wroteOther("/unflushed"), faults: []fault{muffledEnd}},
		{id: "H1-18/nothing", run: wroteOther("/nothing"), faults: []fault{replies("shortened", "Content-Length: 10\r\n", "Content-Length: 0\r\n")}},
		{id: "H1-18/fails-in-chunks", run: wroteOther("/fails"), faults: []fault{muffled, replies("end-added", "12345\r\n", "12345\r\n0\r\n\r\n")}},
		{id: "H1-18/fails-in-declared", run: wroteOther("/fails-declared"), faults: []fault{replies("filled", "12345", "1234567890")}},
		{id: "H1-18/stream-fails", run: wroteOther("/stream-fails"), faults: []fault{muffled}},
	}
}

// muffledEnd fills a body up to the length that was declared.
var muffledEnd = around("filled", func(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		err := next(c)
		_, _ = c.WriteString("67890")
		return err
	}
})

func writers(app *tako.Router) {
	for _, status := range []int{200, 204, 304} {
		app.Get("/"+itoa(status), func(c *tako.Context) error {
			return c.Bytes(status, "text/plain", []byte("body of "+itoa(status)))
		})
	}
	app.Get("/flushed", func(c *tako.Context) error {
		_, _ = c.WriteString("one")
		_ = c.Flush()
		_, err := c.WriteString("two")
		return err
	})
	writes := func(path, length, body string, err error) {
		app.Get(path, func(c *tako.Context) error {
			if length != "" {
				c.Header().Set("Content-Length", length)
			}
			if e := c.WriteHead(200); e != nil {
				return e
			}
			if body != "" {
				_, _ = c.WriteString(body)
			}
			if path != "/unflushed" && path != "/more" {
				_ = c.Flush()
			}
			return err
		})
	}
	writes("/more", "5", "1234567", nil)
	writes("/less", "10", "12345", nil)
	writes("/declared", "5", "12345", nil)
	writes("/unflushed", "10", "12345", nil)
	writes("/nothing", "10", "", nil)
	writes("/fails", "", "12345", errors.New("failed"))
	writes("/fails-declared", "10", "12345", errors.New("failed"))
	app.Get("/stream-fails", func(c *tako.Context) error {
		return c.Stream(200, "text/plain", &failingReader{"12345"})
	})
	app.Get("/hints", func(c *tako.Context) error {
		if err := c.EarlyHints("</style.css>; rel=preload"); err != nil {
			return err
		}
		return c.Text(200, "hinted")
	})
}

// failingReader fails behind its text.
type failingReader struct{ rest string }

func (r *failingReader) Read(p []byte) (int, error) {
	if r.rest == "" {
		return 0, errors.New("source failed")
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// bodyless demands no body byte on the wire: the next response follows at once.
func bodyless(method, path string, status int) func(x *T) {
	return func(x *T) {
		c := x.serve(tako.Limits{}, writers).dial()
		c.send(request(method, path, ""), request("GET", "/200", ""))
		r := c.read(method)
		if r.status != status || r.body != "" {
			x.Fatalf("got status %d and body %q, want %d without one", r.status, r.body, status)
		}
		if method == "HEAD" && path == "/200" && r.declared != len("body of 200") {
			x.Errorf("HEAD declares %d bytes, GET has %d", r.declared, len("body of 200"))
		}
		if got := c.expect(200).body; got != "body of 200" {
			x.Errorf("the next body is %q", got)
		}
	}
}

func informational(x *T) {
	c := x.serve(tako.Limits{}, writers).dial()
	c.send(request("GET", "/hints", ""), request("GET", "/200", ""))
	r := c.expect(200)
	if len(r.interim) != 1 || r.interim[0] != http.StatusEarlyHints || r.body != "hinted" || r.get("Link") != "" {
		x.Errorf("got %+v, want 103 and then the body alone", r)
	}
	c.expect(200)
}

// wroteMore drops what is over the declared length.
func wroteMore(x *T) {
	c := x.serve(tako.Limits{}, writers).dial()
	c.send(request("GET", "/more", ""))
	if r := c.expect(200); r.declared != 5 || r.body != "12345" {
		x.Errorf("got length %d and body %q", r.declared, r.body)
	}
	c.send(request("GET", "/200", ""))
	if r, err := c.tryRead("GET"); err == nil && r.body != "body of 200" {
		x.Errorf("the next answer is %d %q", r.status, r.body)
	} else if err != nil && !cutOff(err) {
		x.Errorf("the next answer: %v", err)
	}
}

// declaredFlushed keeps the length that a handler has declared, as it is told.
func declaredFlushed(x *T) {
	c := x.serve(tako.Limits{}, writers).dial()
	c.send(request("GET", "/declared", ""))
	if r := c.expect(200); r.declared != 5 || r.body != "12345" {
		x.Errorf("got length %d and body %q", r.declared, r.body)
	}
	c.get("/200")
}

// wroteOther demands that the client sees truncation and no further response.
func wroteOther(path string) func(x *T) {
	return func(x *T) {
		c := x.serve(tako.Limits{}, writers).dial()
		c.send(request("GET", path, ""), request("GET", "/200", ""))
		r, err := c.tryRead("GET")
		if err == nil && r.status == 500 {
			return // nothing was sent yet, so the failure could be told
		}
		if !cutOff(err) {
			x.Fatalf("got %+v and %v, want a response that is cut off", r, err)
		}
		c.closed()
	}
}
