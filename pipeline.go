package tako

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
)

// Head is the status line and header of a response before it is sent.
type Head struct {
	// Status is the final status.
	Status int
	// Header holds the fields, without Content-Length.
	Header *Header
	// Length is the length of the body in bytes, -1 if unknown. Who changes the
	// body sets it anew, or to -1.
	Length int64
}

// BodyWriter is one stage of the way a response body takes to the client.
type BodyWriter interface {
	// Write passes on p, changed or not. It must not keep p or write to it.
	Write(p []byte) (int, error)
	// Flush passes on what is held and flushes the next stage.
	Flush() error
	// Close ends the body and closes the next stage with the same err. If err is
	// not nil the body is broken and must not get a valid end.
	Close(err error) error
}

// A layer is what one middleware asked for: exactly one field is set.
type layer struct {
	head func(*Head)
	wrap func(BodyWriter) BodyWriter
	hold *hold
}

// BeforeHead has f called before the head of the response is sent. It may change
// status, fields and length, and may call [Context.WrapBody]. The hook that was
// registered last, which is the innermost, runs first. It runs again if the
// response is replaced by an error before it was sent. Of an upgrade, with status
// 101 or 200, it may change fields alone; see [Context.Upgrade].
func (c *Context) BeforeHead(f func(*Head)) {
	c = c.at()
	c.layers = append(c.layers, layer{head: f})
}

// WrapBody puts f's writer into the way of the response body: outside those
// registered later, so that the innermost gets the bytes first. It is called
// before the head is sent: early, or by a [Context.BeforeHead] hook, which knows
// status and fields.
func (c *Context) WrapBody(f func(next BodyWriter) BodyWriter) {
	c = c.at()
	if c.opening {
		c.wraps = append(c.wraps, f)
		return
	}
	c.layers = append(c.layers, layer{wrap: f})
}

// open runs the layers outwards from the innermost and makes the way of the body.
func (c *Context) open(status int, length int64) error {
	if c.upgraded {
		return http.ErrHijacked
	}
	if c.opened {
		return ErrHeadSent
	}
	if status < 200 || status > 999 {
		return fmt.Errorf("tako: invalid response status %d", status)
	}
	c.opened = true
	c.head = Head{Status: status, Header: &c.header, Length: length}
	if length < 0 {
		c.head.Length = c.takeContentLength()
	} else {
		c.header.remove("Content-Length", 0)
	}
	c.status = status
	if len(c.layers) == 0 {
		c.headErr = c.sendHead()
	} else {
		c.save()
		c.body, c.headErr = c.build(len(c.layers) - 1)
	}
	return c.headErr
}

// save keeps the header as it is before hooks change it, where a held response may
// be replaced and they run again.
func (c *Context) save() {
	for i := range c.layers {
		if c.layers[i].hold != nil {
			c.saved = c.header.Clone()
			return
		}
	}
}

// build runs the layers from i outwards up to the next hold or the exchange, and
// returns the writer that stands before them.
func (c *Context) build(i int) (BodyWriter, error) {
	var next BodyWriter
	c.opening = true
	first := len(c.wraps)
	for ; i >= 0 && next == nil; i-- {
		switch l := &c.layers[i]; {
		case l.head != nil:
			l.head(&c.head)
		case l.wrap != nil:
			c.wraps = append(c.wraps, l.wrap)
		case c.head.Length > int64(l.hold.max) && c.method != http.MethodHead:
			// It would only be passed on.
		default:
			l.hold.start(c, i-1)
			next = l.hold
		}
	}
	c.opening = false
	last := next == nil
	if last {
		next = exchangeWriter{c}
	}
	wraps := c.wraps[first:]
	for j := len(wraps) - 1; j >= 0; j-- {
		next = wraps[j](next)
	}
	clear(wraps)
	c.wraps = c.wraps[:first]
	if last && !c.sent {
		return next, c.sendHead()
	}
	return next, nil
}

// takeContentLength moves a Content-Length that was set as a field to where the
// framework keeps it.
func (c *Context) takeContentLength() int64 {
	value := c.header.Get("Content-Length")
	if value == "" {
		return -1
	}
	c.header.remove("Content-Length", 0)
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		return -1
	}
	return int64(n)
}

// sendHead gives the head to the exchange. From here on the status is final.
func (c *Context) sendHead() error {
	if err := c.header.Err(); err != nil {
		return err
	}
	if c.head.Status < 200 || c.head.Status > 999 {
		return fmt.Errorf("tako: invalid response status %d", c.head.Status)
	}
	if len(c.layers) > 0 {
		c.header.remove("Content-Length", 0) // a hook may have set it; Head.Length counts
	}
	c.sent = true
	c.status = c.head.Status
	if bodyless(c.head.Status) {
		c.head.Length = -1
	}
	c.discard = c.discards()
	c.left = c.head.Length
	length := c.head.Length
	if c.trailer != nil && c.trailer.Len() > 0 {
		length = -1 // HTTP/1.1 has room for trailers only behind a body of unknown length
	}
	if v := c.ex.AltSvc(); v != "" && !c.header.Has("Alt-Svc") {
		c.header.Set("Alt-Svc", v)
	}
	return c.ex.WriteHead(c.head.Status, &c.header, length)
}

// bodyless reports whether a response with this status has no body (RFC 9110,
// section 6.4.1).
func bodyless(status int) bool {
	return status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}

// discards reports whether body bytes of this response must not be sent.
func (c *Context) discards() bool {
	// Around an inner Context somebody may want to see the body of a HEAD.
	return bodyless(c.head.Status) || c.method == http.MethodHead && !c.inner
}

// exchangeWriter is the last stage: it holds the length to its word.
type exchangeWriter struct{ c *Context }

func (w exchangeWriter) Write(p []byte) (int, error) {
	c := w.c
	if !c.sent { // a wrapper writes while it is made
		if err := c.sendHead(); err != nil {
			return 0, err
		}
	}
	n, over := c.admit(len(p))
	if n > 0 && !c.discard {
		written, err := c.ex.Write(p[:n])
		c.sentBytes += int64(written)
		if err != nil {
			return written, err
		}
	}
	return n, over
}

func (w exchangeWriter) Flush() error { return w.c.ex.Flush() }

func (w exchangeWriter) Close(err error) error {
	c := w.c
	if err == nil && c.left > 0 && !c.discard && !(c.method == http.MethodHead && c.written == 0) {
		err = fmt.Errorf("tako: response body is %d bytes shorter than declared", c.left)
	}
	if err != nil {
		if c.sent {
			c.ex.Abort()
		}
		return err
	}
	if c.trailer == nil || c.trailer.Len() == 0 {
		return nil
	}
	c.trailer.fields = slices.DeleteFunc(c.trailer.fields, func(f field) bool { return forbiddenTrailers[f.name] })
	if c.trailer.Len() == 0 {
		return c.trailer.err
	}
	return c.ex.WriteTrailers(c.trailer)
}

// admit takes n bytes off the declared length and tells how many may be sent.
func (c *Context) admit(n int) (int, error) {
	if c.left < 0 {
		return n, nil
	}
	if int64(n) <= c.left {
		c.left -= int64(n)
		return n, nil
	}
	n = int(c.left)
	c.left = 0
	return n, ErrContentLength
}

// writeBody sends p on its way; the head was opened before.
func (c *Context) writeBody(p []byte) (int, error) {
	var n int
	var err error
	if c.body != nil {
		n, err = c.body.Write(p)
	} else {
		n, err = exchangeWriter{c}.Write(p)
	}
	c.written += int64(n)
	return n, err
}

// writeBuffers sends bufs on their way, together where nothing wraps the body.
func (c *Context) writeBuffers(bufs net.Buffers) (int64, error) {
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	if c.body == nil && !c.discard && (c.left < 0 || int64(total) <= c.left) {
		if c.left > 0 {
			c.left -= int64(total)
		}
		n, err := c.ex.WriteBuffers(bufs)
		c.written += n
		c.sentBytes += n
		return n, err
	}
	var written int64
	for _, b := range bufs {
		n, err := c.writeBody(b)
		written += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// closeBody ends the response with err, or with a valid end if it is nil.
func (c *Context) closeBody(err error) error {
	c.ended = true
	if c.body != nil {
		return c.body.Close(err)
	}
	return exchangeWriter{c}.Close(err)
}
