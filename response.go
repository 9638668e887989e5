package tako

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"github.com/tako-go/tako/internal/ascii"
)

// Header returns the header of the response, to be changed until the head is sent.
func (c *Context) Header() *Header {
	return &c.at().header
}

// HeadSent reports whether the handler has begun the response.
func (c *Context) HeadSent() bool {
	return c.at().opened || c.at().upgraded
}

// WriteHead begins a response whose body follows by [Context.Write]. Its length
// is that of a Content-Length field, or unknown.
func (c *Context) WriteHead(status int) error {
	c.live()
	return c.open(status, -1)
}

// Write writes body bytes. The first call sends the head, with status 200 and
// unknown length, if that was not done before. What HEAD or the status forbids is
// counted and dropped.
func (c *Context) Write(p []byte) (int, error) {
	c.live()
	if !c.opened {
		if err := c.open(http.StatusOK, -1); err != nil {
			return 0, err
		}
	}
	return c.writeBody(p)
}

// WriteString is Write for a string, without copying it.
func (c *Context) WriteString(s string) (int, error) { return c.Write(view(s)) }

// WriteBuffers writes several pieces of the body, with one system call where the
// runtime can. bufs is used up.
func (c *Context) WriteBuffers(bufs net.Buffers) (int64, error) {
	c.live()
	if !c.opened {
		if err := c.open(http.StatusOK, -1); err != nil {
			return 0, err
		}
	}
	return c.writeBuffers(bufs)
}

// ReadFrom writes the body from r until its end; a file goes to the socket
// without being copied where the runtime can and nothing wraps the body. The error
// matches [ErrClientGone] if it is the client that a file could not be sent to.
func (c *Context) ReadFrom(r io.Reader) (int64, error) {
	c.live()
	if !c.opened {
		if err := c.open(http.StatusOK, -1); err != nil {
			return 0, err
		}
	}
	if c.body != nil || c.discard || c.left >= 0 && !limitedTo(r, c.left) {
		return io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{r}, make([]byte, 32<<10))
	}
	n, err := c.ex.ReadFrom(r)
	if err != nil && sendingFailed(r, err) {
		err = fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	c.copied(n)
	return n, err
}

// copied counts bytes of the body that the exchange has taken by itself.
func (c *Context) copied(n int64) {
	if c.left >= 0 {
		c.left -= n
	}
	c.written += n
	c.sentBytes += n
}

// sendingFailed reports whether err, of copying r to the client, is about the client: the
// connection is gone or was cut, or takes nothing. Reading a file fails in other ways, but
// what reads from another connection may fail alike.
func sendingFailed(r io.Reader, err error) bool {
	if l, ok := r.(*io.LimitedReader); ok {
		r = l.R
	}
	f, ok := r.(*os.File)
	if !ok || !clientLost(err) {
		return false
	}
	info, failed := f.Stat()
	return failed == nil && info.Mode().IsRegular()
}

// clientLost reports whether err, of sending a regular file, is about the client and does not
// say so yet.
func clientLost(err error) bool {
	return !errors.Is(err, ErrClientGone) && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded))
}

// limitedTo reports whether r cannot yield more than n bytes.
func limitedTo(r io.Reader, n int64) bool {
	l, ok := r.(*io.LimitedReader)
	return ok && l.N <= n
}

// Flush sends what was written so far, the head at least.
func (c *Context) Flush() error {
	c.live()
	if !c.opened {
		if err := c.open(http.StatusOK, -1); err != nil {
			return err
		}
	}
	if c.body != nil {
		return c.body.Flush()
	}
	return c.ex.Flush()
}

// Trailer returns the fields that are sent behind the body. They may be set until
// the handler returns. HTTP/1.1 can send them only if the length of the body was
// not declared: set one before the response begins, or stream; they are left out
// otherwise. Fields that must not stand in a trailer, such as Content-Length, Host
// and Set-Cookie, are left out too (RFC 9110, section 6.5.1).
func (c *Context) Trailer() *Header {
	c = c.at()
	if c.trailer == nil {
		c.trailer = new(Header)
	}
	return c.trailer
}

// EarlyHints sends a 103 response with Link fields before the final one (RFC 8297).
func (c *Context) EarlyHints(links ...string) error {
	c.live()
	if c.opened {
		return ErrHeadSent
	}
	var h Header
	for _, link := range links {
		h.Add("Link", link)
	}
	if err := h.Err(); err != nil {
		return err
	}
	return c.ex.EarlyHints(&h)
}

// respond answers with one complete body.
func (c *Context) respond(status int, contentType string, body []byte) error {
	if c.opened {
		return ErrHeadSent
	}
	if contentType != "" && c.header.index("Content-Type", 0) < 0 {
		c.header.put("Content-Type", contentType)
	}
	c.std.whole = len(c.layers) == 0
	if err := c.open(status, int64(len(body))); err != nil || len(body) == 0 {
		return err
	}
	_, err := c.writeBody(body)
	return err
}

// Text answers with text/plain in UTF-8.
func (c *Context) Text(status int, text string) error {
	c.live()
	return c.respond(status, "text/plain; charset=utf-8", view(text))
}

// Bytes answers with body. A Content-Type set before wins over contentType.
func (c *Context) Bytes(status int, contentType string, body []byte) error {
	c.live()
	if !ascii.IsFieldValue(contentType) {
		return fmt.Errorf("%w: %q", ErrInvalidField, "Content-Type")
	}
	return c.respond(status, contentType, body)
}

// JSON answers with v as JSON. If v cannot be encoded nothing was sent.
func (c *Context) JSON(status int, v any) error {
	c.live()
	e := encoders.Get().(*jsonEncoder)
	defer e.release()
	body, err := e.encode(v)
	if err != nil {
		return fmt.Errorf("encode response: %w", err)
	}
	return c.respond(status, "application/json", body)
}

// Template is what HTML executes: *html/template.Template is one.
type Template interface {
	// Execute writes the page.
	Execute(w io.Writer, data any) error
}

// HTML executes t with data and answers with the result. If that fails nothing
// was sent.
func (c *Context) HTML(status int, t Template, data any) error {
	c.live()
	e := encoders.Get().(*jsonEncoder)
	defer e.release()
	if err := t.Execute(&e.buf, data); err != nil {
		return fmt.Errorf("execute template: %w", err)
	}
	return c.respond(status, "text/html; charset=utf-8", e.buf.Bytes())
}

// NoContent answers 204.
func (c *Context) NoContent() error {
	c.live()
	return c.open(http.StatusNoContent, -1)
}

// Redirect answers with a redirection to location, a relative or absolute URI
// reference. Anything that is not http, https or relative is refused, so that
// user text never becomes a script; use [Context.LocalRedirect] where it must
// not lead off-site either.
func (c *Context) Redirect(status int, location string) error {
	c.live()
	if status < 300 || status > 399 || status == http.StatusNotModified {
		return fmt.Errorf("tako: status %d is no redirection", status)
	}
	location, ok := cleanLocation(location)
	if !ok {
		return BadRequest("the redirection target is invalid")
	}
	c.header.Set("Location", location)
	return c.respond(status, "", nil)
}

// LocalRedirect is Redirect for a path on this site. Targets that a browser would
// take as another site, such as "//evil" or "/\evil", are refused with 400.
func (c *Context) LocalRedirect(status int, path string) error {
	if path == "" || path[0] != '/' || len(path) > 1 && (path[1] == '/' || path[1] == '\\') {
		return BadRequest("the redirection target is not on this site")
	}
	return c.Redirect(status, path)
}

// cleanLocation checks a redirection target and escapes what is not ASCII.
func cleanLocation(s string) (string, bool) {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f || s[i] == '\\' {
			return "", false
		}
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" {
		return "", false
	}
	return escapeURI(s), true
}

// escapeURI escapes what cannot stand in a URI as it is.
func escapeURI(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > 0x7e || strings.IndexByte(`"<>\`, s[i]) >= 0 {
			out = appendEscape(out, s[i])
		} else {
			out = append(out, s[i])
		}
	}
	return string(out)
}

// Stream answers with what r yields until its end, flushing nothing by itself.
// The length is unknown unless a Content-Length was set. If r is an [io.Closer]
// it is closed.
func (c *Context) Stream(status int, contentType string, r io.Reader) error {
	c.live()
	if closer, ok := r.(io.Closer); ok {
		defer closer.Close()
	}
	if c.opened {
		return ErrHeadSent
	}
	if contentType != "" && !c.header.Has("Content-Type") {
		c.header.Set("Content-Type", contentType)
	}
	if err := c.open(status, -1); err != nil || c.discards() {
		return err
	}
	_, err := c.ReadFrom(r)
	return err
}

// view returns the bytes of s, which must not be written to.
func view(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

var _ json.Marshaler = (*Error)(nil)
