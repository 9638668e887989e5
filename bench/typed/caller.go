package main

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"time"
)

const host = "sea.example"

// request is what is asked, by PUT and with the header fields of all requests.
type request struct{ target, body string }

var good = request{goodPath, goodBody}

// caller asks one contender the same again and again. What it allocates itself is
// nothing.
type caller interface {
	call()
	// answer is the last one; the bytes are valid until the next call.
	answer() (status int, body []byte)
}

// httpCaller calls a handler of net/http.
type httpCaller struct {
	handler http.Handler
	req     *http.Request
	body    rewound
	w       writer
}

// rewound is a body that can be read again.
type rewound struct{ *bytes.Reader }

func (rewound) Close() error { return nil }

func newHTTPCaller(handler http.Handler, r request) *httpCaller {
	u, err := url.ParseRequestURI(r.target)
	if err != nil {
		panic(err) // the targets are constants
	}
	body := rewound{bytes.NewReader([]byte(r.body))}
	header := http.Header{"Content-Type": {"application/json"}, "X-Trace": {goodTrace}}
	return &httpCaller{handler: handler, body: body, w: writer{header: http.Header{}},
		req: &http.Request{Method: "PUT", URL: u, RequestURI: r.target, Host: host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: header, Body: body, ContentLength: int64(len(r.body)), RemoteAddr: "192.0.2.1:1"}}
}

func (c *httpCaller) call() {
	c.w.status, c.w.body = 0, c.w.body[:0]
	clear(c.w.header)
	_, _ = c.body.Seek(0, io.SeekStart)
	c.handler.ServeHTTP(&c.w, c.req)
}

func (c *httpCaller) answer() (int, []byte) { return c.w.status, c.w.body }

// writer is a ResponseWriter with the methods of the one of net/http's server.
type writer struct {
	header http.Header
	status int
	body   []byte
}

func (w *writer) Header() http.Header { return w.header }

func (w *writer) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *writer) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, p...)
	return len(p), nil
}

func (w *writer) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, s...)
	return len(s), nil
}

func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, r)
}

func (w *writer) Flush()                           {}
func (w *writer) EnableFullDuplex() error          { return nil }
func (w *writer) SetReadDeadline(time.Time) error  { return nil }
func (w *writer) SetWriteDeadline(time.Time) error { return nil }
