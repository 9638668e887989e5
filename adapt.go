package tako

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako/internal/ascii"
)

// HTTP serves a net/http handler as a route. It gets the request in normal form
// with path values set, and a ResponseWriter that can flush, hijack, send
// informational responses and trailers, and set deadlines as far as the protocol
// can. Fields that middleware has set are in its header.
func HTTP(h http.Handler) Handler {
	return func(c *Context) error {
		w := newResponseWriter(c)
		h.ServeHTTP(w, c.request(c.Context(), true))
		return w.end()
	}
}

// responseWriter writes the response of c for handlers of net/http.
type responseWriter struct {
	c      *Context
	header http.Header
	wrote  bool
	err    error // of the head
	over   atomic.Bool
}

// errWriterOver is what a handler gets that writes when it has returned: its Context
// may serve another request then.
var errWriterOver = errors.New("tako: response writer used after its handler returned")

var (
	_ http.Flusher  = (*responseWriter)(nil)
	_ http.Hijacker = (*responseWriter)(nil)
	_ io.ReaderFrom = (*responseWriter)(nil)
)

func newResponseWriter(c *Context) *responseWriter {
	w := &responseWriter{c: c, header: make(http.Header, len(c.header.fields)+4)}
	for _, f := range c.header.fields {
		w.header[f.name] = append(w.header[f.name], f.value)
	}
	return w
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.wrote || w.over.Load() {
		return
	}
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.informational(status)
		return
	}
	w.wrote = true
	w.fill(&w.c.header)
	w.err = w.c.open(status, -1)
}

// fill replaces the fields of h by those of the map, but for trailers.
func (w *responseWriter) fill(h *Header) {
	h.reset()
	for name, values := range w.header {
		if strings.HasPrefix(name, http.TrailerPrefix) || name == "Trailer" {
			continue
		}
		for _, v := range values {
			h.Add(name, cleanValue(v))
		}
	}
}

// cleanValue does what net/http does with line ends in values.
func cleanValue(v string) string {
	if !strings.ContainsAny(v, "\r\n") {
		return v
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
}

// informational sends early hints; other 1xx responses carry nothing that a
// client could need and are left out.
func (w *responseWriter) informational(status int) {
	if status != http.StatusEarlyHints {
		return
	}
	var h Header
	w.fill(&h)
	_ = w.c.ex.EarlyHints(&h)
}

func (w *responseWriter) begin() error {
	if w.over.Load() {
		return errWriterOver
	}
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.err
}

func (w *responseWriter) Write(p []byte) (int, error) {
	if !w.wrote && w.header.Get("Content-Type") == "" && w.header.Get("Content-Encoding") == "" && len(p) > 0 {
		w.header.Set("Content-Type", http.DetectContentType(p))
	}
	if err := w.begin(); err != nil {
		return 0, err
	}
	return w.c.writeBody(p)
}

func (w *responseWriter) WriteString(s string) (int, error) { return w.Write(view(s)) }

func (w *responseWriter) ReadFrom(r io.Reader) (int64, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return w.c.ReadFrom(r)
}

func (w *responseWriter) Flush() { _ = w.FlushError() }

func (w *responseWriter) FlushError() error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.c.Flush()
}

func (w *responseWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.over.Load() {
		return nil, nil, errWriterOver
	}
	return w.c.Hijack()
}

func (w *responseWriter) SetReadDeadline(t time.Time) error {
	if w.over.Load() {
		return errWriterOver
	}
	return w.c.ex.SetReadDeadline(t)
}

func (w *responseWriter) SetWriteDeadline(t time.Time) error {
	if w.over.Load() {
		return errWriterOver
	}
	return w.c.ex.SetWriteDeadline(t)
}

func (w *responseWriter) EnableFullDuplex() error {
	if w.over.Load() {
		return errWriterOver
	}
	return w.c.ex.EnableFullDuplex()
}

// end begins an empty response if there is none and hands over the trailers:
// those announced in Trailer and those with http.TrailerPrefix.
func (w *responseWriter) end() error {
	defer w.over.Store(true)
	if w.c.upgraded {
		return nil
	}
	if !w.wrote && !w.c.opened {
		w.wrote = true
		w.fill(&w.c.header)
		w.err = w.c.open(http.StatusOK, 0)
	}
	for name, values := range w.header {
		if key, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			w.addTrailer(key, values)
		}
	}
	for _, announced := range w.header["Trailer"] {
		for name := range ascii.ListItems(announced) {
			w.addTrailer(name, w.header[canonical(name)])
		}
	}
	return w.err
}

func (w *responseWriter) addTrailer(name string, values []string) {
	for _, v := range values {
		w.c.Trailer().Add(name, cleanValue(v))
	}
}

// Hijack takes over the connection, for protocols that follow on HTTP/1.1. The
// caller closes it. Where the protocol has no raw connection the error matches
// [errors.ErrUnsupported].
func (c *Context) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.live()
	if c.opened {
		return nil, nil, ErrHeadSent
	}
	conn, rw, err := c.ex.Hijack()
	if err == nil {
		c.upgraded = true
	}
	return conn, rw, err
}

// SetReadDeadline bounds reads of the request body; the zero time means no bound.
func (c *Context) SetReadDeadline(t time.Time) error {
	c.live()
	return c.ex.SetReadDeadline(t)
}

// SetWriteDeadline bounds writes of the response; the zero time means no bound.
func (c *Context) SetWriteDeadline(t time.Time) error {
	c.live()
	return c.ex.SetWriteDeadline(t)
}

// EnableFullDuplex lets the handler read the body after it began the response.
func (c *Context) EnableFullDuplex() error {
	c.live()
	return c.ex.EnableFullDuplex()
}
