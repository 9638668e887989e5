package runtimetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/http2"
)

// read is the goroutine that takes what comes.
func (c *frameClient) read() {
	defer close(c.done)
	for {
		f, err := c.fr.ReadFrame()
		c.mu.Lock()
		var broken http2.StreamError
		switch {
		case errors.As(err, &broken) && c.streams[broken.StreamID] != nil:
			c.streams[broken.StreamID].wrong = broken
		case err != nil:
			c.err = err
			if f := c.x.fault; f != nil && f.deaf && f.frames != nil {
				c.err = nil // it is not told that the connection has ended
			}
		case c.x.fault != nil && c.x.fault.frames != nil && c.x.fault.frames(f):
		default:
			c.saw(f)
		}
		close(c.changed)
		c.changed = make(chan struct{})
		c.mu.Unlock()
		if err != nil && broken.StreamID == 0 {
			return
		}
		if err == nil {
			c.answer(f)
		}
	}
}

// saw notes a frame.
func (c *frameClient) saw(f http2.Frame) {
	st := c.streams[f.Header().StreamID]
	switch f := f.(type) {
	case *http2.SettingsFrame:
		c.sawSettings(f)
	case *http2.PingFrame:
		if f.IsAck() {
			c.pongs++
		} else {
			c.pings++
		}
	case *http2.GoAwayFrame:
		c.goAways = append(c.goAways, goAway{f.LastStreamID, f.ErrCode})
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.window += int64(f.Increment)
		} else if st != nil {
			st.window += int64(f.Increment)
		}
	case *http2.RSTStreamFrame:
		if code := f.ErrCode; st != nil {
			st.reset = &code
		}
	case *http2.DataFrame:
		if st != nil {
			st.sawData(f)
		}
	case *http2.MetaHeadersFrame:
		if st != nil {
			st.sawFields(f)
		}
	}
}

func (c *frameClient) sawSettings(f *http2.SettingsFrame) {
	if f.IsAck() {
		c.acks++
		return
	}
	before := int64(initialWindow)
	if w, ok := c.settings[http2.SettingInitialWindowSize]; ok {
		before = int64(w)
	}
	_ = f.ForeachSetting(func(s http2.Setting) error {
		c.settings[s.ID] = s.Val
		return nil
	})
	if w, ok := f.Value(http2.SettingInitialWindowSize); ok {
		for _, st := range c.streams {
			st.window += int64(w) - before
		}
	}
}

// answer does what a client does by itself.
func (c *frameClient) answer(f http2.Frame) {
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() && !c.opts.noAck {
			c.write(func(fr *http2.Framer) { _ = fr.WriteSettingsAck() })
		}
	case *http2.PingFrame:
		if !f.IsAck() && !c.opts.noPong {
			c.write(func(fr *http2.Framer) { _ = fr.WritePing(true, f.Data) })
		}
	case *http2.DataFrame:
		if n := f.Header().Length; n > 0 && !c.opts.hold {
			c.credit(f.StreamID, n, f.StreamEnded())
		}
	}
}

// credit gives window back.
func (c *frameClient) credit(id, n uint32, ended bool) {
	c.write(func(fr *http2.Framer) {
		_ = fr.WriteWindowUpdate(0, n)
		if !ended {
			_ = fr.WriteWindowUpdate(id, n)
		}
	})
}

func (st *h2stream) sawData(f *http2.DataFrame) {
	if st.head == nil || st.ended {
		st.wrong = errors.New("DATA outside a response")
	}
	st.size += len(f.Data())
	st.data = append(st.data, bytes.Clone(f.Data()))
	st.ended = st.ended || f.StreamEnded()
	st.checkLength()
}

// sawFields notes a field section: of an interim response, the final one, or the
// trailer.
func (st *h2stream) sawFields(f *http2.MetaHeadersFrame) {
	fields := []field{}
	for _, h := range f.RegularFields() {
		if slices.Contains(hopByHop, h.Name) {
			st.wrong = fmt.Errorf("the response has %s", h.Name)
		}
		fields = append(fields, field{h.Name, h.Value})
	}
	var status int
	if _, err := fmt.Sscanf(f.PseudoValue("status"), "%3d", &status); err != nil && st.head == nil {
		st.wrong = fmt.Errorf("status %q", f.PseudoValue("status"))
	}
	switch {
	case st.ended:
		st.wrong = errors.New("fields behind the end of a stream")
	case st.head != nil:
		st.trailer = fields
		if !f.StreamEnded() || len(f.PseudoFields()) > 0 {
			st.wrong = errors.New("a trailer that does not end its stream")
		}
	case status < 200:
		st.interim = append(st.interim, append(fields, field{":status", f.PseudoValue("status")}))
		if f.StreamEnded() {
			st.wrong = errors.New("an interim response ends its stream")
		}
	default:
		st.head, st.status = fields, status
	}
	st.ended = st.ended || f.StreamEnded()
	st.checkLength()
}

// hopByHop may not be sent over HTTP/2 (RFC 9113, section 8.2.2).
var hopByHop = []string{"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "te", "http2-settings"}

// checkLength compares the body with what was declared.
func (st *h2stream) checkLength() {
	bodyless := st.method == "HEAD" || st.status == 204 || st.status == 304
	if bodyless && st.size > 0 {
		st.wrong = fmt.Errorf("a body of %d bytes where there is none", st.size)
	}
	if !st.ended || bodyless {
		return
	}
	for _, f := range st.head {
		if f.name == "content-length" && f.value != itoa(st.size) {
			st.wrong = fmt.Errorf("%d bytes of body, %s declared", st.size, f.value)
		}
	}
}
