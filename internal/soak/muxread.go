package soak

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/net/http2"
)

// read is the goroutine that takes what comes.
func (c *mux) read() {
	for {
		f, err := c.fr.ReadFrame()
		c.mu.Lock()
		if err == nil {
			err = c.saw(f)
		}
		var broken http2.StreamError
		if errors.As(err, &broken) {
			err = violates("frames", "%v: %v", broken, broken.Cause)
		}
		var wrong http2.ConnectionError
		if errors.As(err, &wrong) {
			err = violates("frames", "%v: %v", wrong, c.fr.ErrorDetail())
		}
		if err == io.EOF { // for a stream this is no end
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			c.err = err
		}
		closed := c.closed
		c.changed.Broadcast()
		c.mu.Unlock()
		if err == nil {
			continue
		}
		var v *violation
		if errors.As(err, &v) && !closed {
			c.x.fail(v.kind, "%v (%v)", v, c)
		}
		return
	}
}

// saw takes a frame. The error is a violation.
func (c *mux) saw(f http2.Frame) error {
	id := f.Header().StreamID
	c.x.in.Add(int64(f.Header().Length) + 9)
	s := c.streams[id]
	switch f := f.(type) {
	case *http2.SettingsFrame:
		return c.sawSettings(f)
	case *http2.PingFrame:
		if !f.IsAck() {
			_ = c.fr.WritePing(true, f.Data)
		}
	case *http2.GoAwayFrame:
		if c.told && f.LastStreamID > c.last {
			return violates("frames", "GOAWAY %d after %d", f.LastStreamID, c.last)
		}
		c.told, c.last, c.code = true, f.LastStreamID, f.ErrCode
		if f.ErrCode != http2.ErrCodeNo && !c.style.loose {
			return violates("GOAWAY", "%v: %s", f.ErrCode, f.DebugData())
		}
	case *http2.WindowUpdateFrame:
		if s != nil {
			s.sends += window(f.Increment)
		} else if id == 0 {
			c.sends += window(f.Increment)
		}
	case *http2.RSTStreamFrame:
		if s != nil && s.reset == nil {
			s.reset = &streamReset{f.ErrCode}
		} else if s == nil && id >= c.next {
			return violates("frames", "RST_STREAM on an idle stream")
		}
	case *http2.DataFrame:
		return c.sawData(s, f)
	case *http2.MetaHeadersFrame:
		return c.sawHead(s, f)
	case *http2.PushPromiseFrame:
		return violates("frames", "PUSH_PROMISE")
	}
	return nil
}

func (c *mux) sawSettings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		if len(c.acks) == 0 {
			return violates("frames", "an acknowledgement of no SETTINGS")
		}
		c.acks[0]()
		c.acks = c.acks[1:]
		return nil
	}
	if w, ok := f.Value(http2.SettingInitialWindowSize); ok {
		for _, s := range c.streams {
			s.sends += window(int64(w) - c.opens)
		}
		c.opens = int64(w)
	}
	_ = c.fr.WriteSettingsAck()
	return nil
}

// sawData takes a part of a response.
func (c *mux) sawData(s *stream, f *http2.DataFrame) error {
	id, n := f.StreamID, int64(f.Length)
	if c.takes -= window(n); c.takes < 0 {
		return violates("flow control", "%d bytes above the window of the connection", -c.takes)
	}
	c.eats += int(n)
	if c.eats >= 16<<10 {
		_ = c.fr.WriteWindowUpdate(0, uint32(c.eats))
		c.takes += window(c.eats)
		c.eats = 0
	}
	switch {
	case s == nil && c.dropped[id]:
		return nil
	case s == nil || s.head == nil || s.ended:
		return violates("frames", "DATA on stream %d outside of a response", id)
	case s.reset != nil:
		return violates("frames", "DATA on stream %d behind RST_STREAM", id)
	}
	if s.takes -= window(n); s.takes < 0 && n > 0 {
		return violates("flow control", "%d bytes above the window of stream %d", -s.takes, id)
	}
	s.data = append(s.data, f.Data()...)
	s.ended = f.StreamEnded()
	return nil
}

// sawHead takes the head of a response, or its trailers.
func (c *mux) sawHead(s *stream, f *http2.MetaHeadersFrame) error {
	switch {
	case s == nil && c.dropped[f.StreamID]:
		return nil
	case s == nil || s.ended || s.reset != nil:
		return violates("frames", "HEADERS on stream %d behind its end", f.StreamID)
	case s.head != nil:
		if s.ended = f.StreamEnded(); !s.ended {
			return violates("frames", "a second head on stream %d", f.StreamID)
		}
		s.head.Trailer = http.Header{}
		for _, field := range f.RegularFields() {
			s.head.Trailer.Add(field.Name, field.Value)
		}
		return nil
	}
	status, err := strconv.Atoi(f.PseudoValue("status"))
	if err != nil {
		return violates("frames", "status %q", f.PseudoValue("status"))
	}
	if status < 200 {
		return nil
	}
	s.ended = f.StreamEnded()
	s.head = &http.Response{StatusCode: status, Header: http.Header{}, Body: s, Request: &http.Request{Method: s.job.method}}
	for _, field := range f.RegularFields() {
		s.head.Header.Add(field.Name, field.Value)
	}
	return nil
}

// late wakes who waits in vain.
func (c *mux) late(s *stream) *time.Timer {
	return time.AfterFunc(patience, func() {
		c.mu.Lock()
		s.late = true
		c.changed.Broadcast()
		c.mu.Unlock()
	})
}
