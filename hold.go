package tako

import "fmt"

// Hold keeps head and body of the response back until the handler has ended, and
// then calls f with both. f may change the head; a new status of 304 or 204
// drops the body. An error of f takes the place of the response. The body is
// valid during the call only.
//
// f is not called if the response was not held to its end: because it grew
// beyond max bytes, was flushed, failed, or was taken over. It goes on its way
// unheld then.
func (c *Context) Hold(max int, f func(head *Head, body []byte) error) {
	c = c.at()
	c.layers = append(c.layers, layer{hold: &hold{max: max, f: f}})
}

// hold is the stage that keeps a response back.
type hold struct {
	max   int
	f     func(*Head, []byte) error
	c     *Context
	outer int // the layer that follows
	next  BodyWriter
	buf   []byte
}

func (h *hold) start(c *Context, outer int) {
	h.c, h.outer, h.next, h.buf = c, outer, nil, h.buf[:0]
}

func (h *hold) Write(p []byte) (int, error) {
	if h.next == nil {
		if len(h.buf)+len(p) <= h.max {
			h.buf = append(h.buf, p...)
			return len(p), nil
		}
		if err := h.release(); err != nil {
			return 0, err
		}
	}
	return h.next.Write(p)
}

func (h *hold) Flush() error {
	if h.next == nil {
		if err := h.release(); err != nil {
			return err
		}
	}
	return h.next.Flush()
}

// Close gives the held response to f and sends it. A broken one that nobody has
// seen yet is dropped: the error will be rendered in its place.
func (h *hold) Close(err error) error {
	if h.next == nil {
		if err != nil {
			return err
		}
		head := &h.c.head
		if n := int64(len(h.buf)); head.Length >= 0 && head.Length != n && !h.c.discards() {
			return fmt.Errorf("tako: held response of %d bytes declares %d", n, head.Length)
		}
		if head.Length < 0 && !h.c.discards() {
			head.Length = int64(len(h.buf))
		}
		if err := h.f(head, h.buf); err != nil {
			return err
		}
		if bodyless(head.Status) {
			h.buf = h.buf[:0]
		}
		if err := h.release(); err != nil {
			return err
		}
	}
	return h.next.Close(err)
}

// release opens the outer stages and passes on what was held.
func (h *hold) release() error {
	next, err := h.c.build(h.outer)
	h.next = next
	if err != nil || len(h.buf) == 0 {
		return err
	}
	_, err = next.Write(h.buf)
	return err
}
