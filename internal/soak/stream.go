package soak

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream is a request over HTTP/2. It is guarded by the lock of its connection.
type stream struct {
	c     *mux
	job   *job
	id    uint32
	sends window // for what the client sends
	takes window // and for what the server does
	head  *http.Response
	data  []byte
	ended bool // the whole response has come
	reset *streamReset
	quit  bool // by the client
	late  bool
}

// streamReset is how a stream was ended by the server.
type streamReset struct{ code http2.ErrCode }

func (r *streamReset) Error() string { return "reset by the server: " + r.code.String() }

var (
	errNotSent = errors.New("the connection takes no more streams")
	errBeyond  = errors.New("the stream is not covered by GOAWAY")
	errQuit    = errors.New("the client has reset the stream")
	errLate    = errors.New("nothing has come for long")
)

// open sends the head of a request.
func (c *mux) open(j *job) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.out.Len() > outRoom && c.err == nil && !c.closed {
		c.changed.Wait()
	}
	if c.err != nil || c.told || c.closed {
		return nil, errNotSent
	}
	if c.style.games && c.next%8 == 1 {
		c.settle(rand.Int64N(100000))
	}
	s := &stream{c: c, job: j, id: c.next, sends: window(c.opens), takes: window(c.room)}
	c.next += 2
	c.streams[s.id] = s
	c.writeHead(s)
	c.changed.Broadcast()
	return s, nil
}

// writeHead writes the fields, now and then in several frames.
func (c *mux) writeHead(s *stream) {
	j := s.job
	c.block.Reset()
	field := func(name, value string) { _ = c.enc.WriteField(hpack.HeaderField{Name: name, Value: value}) }
	field(":method", j.method)
	field(":scheme", map[bool]string{false: "http", true: "https"}[c.x.secure()])
	field(":authority", "soak.example")
	field(":path", j.target)
	for line := range strings.Lines(j.fields) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		field(strings.ToLower(name), value)
	}
	if j.body != nil && j.chunk == 0 {
		field("content-length", fmt.Sprint(j.body.size))
	}
	block := c.block.Bytes()
	param := http2.HeadersFrameParam{StreamID: s.id, EndStream: j.body == nil, EndHeaders: true, BlockFragment: block}
	switch j.n % 13 {
	case 0:
		param.EndHeaders, param.BlockFragment = false, block[:len(block)/2]
	case 1:
		param.Priority = http2.PriorityParam{Weight: 7}
	case 2:
		param.PadLength = 9
	}
	_ = c.fr.WriteHeaders(param)
	if !param.EndHeaders {
		_ = c.fr.WriteContinuation(s.id, true, block[len(block)/2:])
	}
}

// upload sends the body as far as the server takes it.
func (s *stream) upload() {
	c, body := s.c, *s.job.body
	buf, pad := make([]byte, 16000), make([]byte, 200)
	for end := false; !end; {
		if c.style.drip > 0 {
			c.x.wait(c.style.drip)
		}
		n := int64(1 + rand.IntN(len(buf)))
		if c.style.drip > 0 {
			n = min(n, body.size/7+1)
		}
		c.mu.Lock()
		for !s.over() && (min(s.sends, c.sends) <= 0 || c.out.Len() > outRoom) && body.at < body.size {
			c.changed.Wait()
		}
		if s.over() {
			c.mu.Unlock()
			return
		}
		n = max(min(n, int64(s.sends), int64(c.sends)), 0)
		m, _ := io.ReadFull(&body, buf[:min(n, body.size-body.at)])
		size := window(m)
		end = body.at == body.size && (m == 0 || s.job.n%5 > 0)
		if extra := window(len(pad) + 1); m > 0 && s.job.n%7 == 0 && min(s.sends, c.sends) >= size+extra {
			_ = c.fr.WriteDataPadded(s.id, end, buf[:m], pad)
			size += extra
		} else {
			_ = c.fr.WriteData(s.id, end, buf[:m])
		}
		s.sends -= size
		c.sends -= size
		c.changed.Broadcast()
		c.mu.Unlock()
	}
}

// over reports whether sending on makes no sense. A server that has answered may say so
// by a reset.
func (s *stream) over() bool {
	return s.c.err != nil || s.c.closed || s.reset != nil || s.quit || s.late || s.beyond()
}

// beyond reports whether the server will not look at the stream.
func (s *stream) beyond() bool { return s.c.told && s.id > s.c.last }

// wrong is how the stream has ended before its time, nil if it has not.
func (s *stream) wrong() error {
	switch {
	case s.quit:
		return errQuit
	case s.reset != nil:
		return s.reset
	case s.beyond():
		return errBeyond
	case s.c.err != nil:
		return s.c.err
	case s.late:
		return errLate
	}
	return nil
}

// await waits for the head of the response.
func (s *stream) await() (*http.Response, error) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for s.head == nil && s.wrong() == nil {
		c.changed.Wait()
	}
	if s.head == nil {
		return nil, s.wrong()
	}
	return s.head, nil
}

// Read reads of the response, and lets the server send as much again.
func (s *stream) Read(p []byte) (int, error) {
	c := s.c
	if c.style.sip > 0 {
		c.x.wait(c.style.sip)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(s.data) == 0 {
		switch err := s.wrong(); {
		case s.quit:
			return 0, errQuit
		case s.ended:
			return 0, io.EOF
		case err != nil:
			return 0, err
		}
		s.grant()
		c.changed.Wait()
	}
	if s.style().sip > 0 {
		p = p[:min(len(p), 4000)]
	}
	n := copy(p, s.data)
	if s.data = s.data[n:]; len(s.data) == 0 {
		s.data = nil
	}
	return n, nil
}

func (s *stream) style() *style { return &s.c.style }

// grant lets the server go on when it has used what it may send.
func (s *stream) grant() {
	room := max(s.style().room, 512)
	if s.style().games {
		room = 600 + rand.Int64N(60000)
	}
	if more := room - int64(s.takes); s.takes <= window(room/2) && more > 0 {
		_ = s.c.fr.WriteWindowUpdate(s.id, uint32(more))
		s.takes += window(more)
		s.c.changed.Broadcast()
	}
}

// Close does nothing.
func (s *stream) Close() error { return nil }

// cancel resets the stream.
func (s *stream) cancel(code http2.ErrCode) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.quit || c.err != nil || c.streams[s.id] == nil {
		return
	}
	s.quit = true
	c.dropped[s.id] = true
	if s.reset == nil {
		_ = c.fr.WriteRSTStream(s.id, code)
	}
	c.changed.Broadcast()
}

// forget drops what is known of a stream.
func (s *stream) forget() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	delete(s.c.streams, s.id)
}
