package runtimetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"crypto/tls"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// textConn lets a case speak HTTP/2 or HTTP/3 in the text of HTTP/1.1: each request it writes
// becomes a stream, and the responses can be read in the order of the requests.
// What it reads ends where a response is cut off. So the cases on behaviour, and the
// faults in them, are the same for every protocol.
type textConn struct {
	*relay
	x     *T
	h2    streams
	turns chan turn // streams in the order of their responses
}

// streams are those of a connection of HTTP/2 or HTTP/3.
type streams interface {
	seen() *board
	// start opens a stream with a request, and calls ready before it sends.
	start(fields []hpack.HeaderField, end bool, ready func(*h2stream) error) (*h2stream, error)
	// upload sends a part of a body; it ends early if the server does not want more.
	upload(id uint32, end bool, p []byte) error
	// finish sends a trailer.
	finish(id uint32, fields []hpack.HeaderField)
	// taken gives room back for n bytes that were read.
	taken(id uint32, n int, over bool)
	forget(id uint32)
}

// turn is a stream whose response has to be read next.
type turn struct {
	st   *h2stream
	last bool // the client closes behind it
}

// errRefused is a request that the server has not begun with, as it says.
var errRefused = errors.New("the server has not begun with the request")

func newTextConn(x *T, conn net.Conn) net.Conn {
	t := &textConn{relay: newRelay(conn), x: x, turns: make(chan turn, 1024)}
	go t.carry()
	return t
}

func (t *textConn) carry() {
	conn := t.Conn
	if t.x.secure() {
		secure := tls.Client(conn, t.x.clientTLS())
		if err := secure.Handshake(); err != nil {
			t.in.end(err)
			return
		}
		conn = secure
	}
	h2 := newFrameClient(t.x, conn, frameOptions{hold: true, patient: true})
	h2.begin()
	t.h2 = h2
	t.talk()
}

// talk sends requests as they are written.
func (t *textConn) talk() {
	go t.render()
	defer close(t.turns)
	br := bufio.NewReader(&t.out)
	for {
		if err := t.request(br); err != nil {
			break
		}
	}
	select {
	case <-t.gone:
	default:
		if h3, over := t.h2.(*h3client); over {
			h3.halt()
		}
		if half, ok := t.Conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
}

// request turns one request into a stream.
func (t *textConn) request(br *bufio.Reader) error {
	line, err := br.ReadString('\n')
	if err != nil {
		return err
	}
	line = strings.TrimSuffix(line, "\r\n")
	first, last := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ' ')
	if first < 0 || first == last {
		return fmt.Errorf("no request line: %q", line)
	}
	fields, body, close, err := t.fields(br, line[:first], line[first+1:last])
	if err != nil {
		return err
	}
	st, err := t.h2.start(fields, body == noBody, func(st *h2stream) error {
		select {
		case t.turns <- turn{st, close}:
			return nil
		case <-t.gone:
			return net.ErrClosed
		}
	})
	if err != nil {
		return err
	}
	switch body {
	case noBody:
		return nil
	case chunkedBody:
		return t.chunks(br, st.id)
	}
	return t.length(br, st.id, body)
}

const (
	noBody      = 0
	chunkedBody = -1
)

// fields reads the head behind the request line.
func (t *textConn) fields(br *bufio.Reader, method, target string) (fields []hpack.HeaderField, body int64, last bool, err error) {
	fields = []hpack.HeaderField{{Name: ":method", Value: method}, {Name: ":scheme", Value: t.x.scheme()}, {Name: ":authority"}, {Name: ":path", Value: target}}
	absolute := strings.HasPrefix(target, "http://")
	if absolute {
		host, path, _ := strings.Cut(target[len("http://"):], "/")
		fields[2].Value, fields[3].Value = host, "/"+path
	}
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return nil, 0, false, err
		}
		line = strings.TrimSuffix(line, "\r\n")
		if line == "" {
			return fields, body, last, nil
		}
		if protocol, ok := strings.CutPrefix(line, ":protocol: "); ok {
			fields = append(fields, hpack.HeaderField{Name: ":protocol", Value: protocol})
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.ToLower(name), strings.Trim(value, " \t")
		switch name {
		case "host":
			if !absolute {
				fields[2].Value = value
			}
		case "connection":
			last = last || strings.EqualFold(value, "close")
		case "transfer-encoding":
			body = chunkedBody
		case "upgrade", "keep-alive", "http2-settings":
		case "content-length":
			if body, err = strconv.ParseInt(value, 10, 64); err != nil {
				return nil, 0, false, err
			}
			fallthrough
		default:
			fields = append(fields, hpack.HeaderField{Name: name, Value: value})
		}
	}
}

// length sends a body of n bytes as they come.
func (t *textConn) length(br *bufio.Reader, id uint32, n int64) error {
	buf := make([]byte, 16384)
	wanted := true
	for n > 0 {
		got, err := br.Read(buf[:min(n, int64(len(buf)))])
		if err != nil {
			return err
		}
		n -= int64(got)
		if wanted {
			wanted = t.h2.upload(id, n == 0, buf[:got]) == nil
		}
	}
	return nil
}

// chunks sends a chunked body and its trailer.
func (t *textConn) chunks(br *bufio.Reader, id uint32) error {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSuffix(line, "\r\n"), 16, 32)
		if err != nil {
			return err
		}
		if size == 0 {
			return t.trailer(br, id)
		}
		for size > 0 {
			part := make([]byte, min(size, 16384))
			n, err := br.Read(part)
			if err != nil {
				return err
			}
			size -= int64(n)
			_ = t.h2.upload(id, false, part[:n])
		}
		if _, err := br.Discard(2); err != nil {
			return err
		}
	}
}

func (t *textConn) trailer(br *bufio.Reader, id uint32) error {
	var fields []hpack.HeaderField
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return err
		}
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\r\n"), ":")
		if ok {
			fields = append(fields, hpack.HeaderField{Name: strings.ToLower(name), Value: strings.TrimSpace(value)})
			continue
		}
		if len(fields) == 0 {
			_ = t.h2.upload(id, true, nil)
			return nil
		}
		t.h2.finish(id, fields)
		return nil
	}
}

// render writes the responses down, one behind the other.
func (t *textConn) render() {
	var err error
	last := false
	for !last {
		next, open := t.next()
		if !open {
			err = t.unasked()
			break
		}
		err = t.response(next.st)
		t.h2.forget(next.st.id)
		if err != nil {
			break
		}
		last = next.last
	}
	if err == nil {
		err = io.EOF
	}
	t.in.end(err)
	if !last {
		select { // what comes now is for nobody
		case <-t.h2.seen().done:
		case <-t.gone:
		}
	}
	_ = t.Conn.Close()
	<-t.h2.seen().done
}

// unasked says why a connection has ended on which nothing is waited for: whoever asks
// then knows from a GOAWAY that it may ask elsewhere.
func (t *textConn) unasked() error {
	c := t.h2.seen()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.goAways); n > 0 && len(c.streams) == 0 && c.goAways[n-1].last == 0 {
		return errRefused
	}
	return nil
}

// next returns the stream whose turn it is; not if the connection has ended.
func (t *textConn) next() (turn, bool) {
	select {
	case next, open := <-t.turns:
		if open {
			return next, true
		}
		t.over()
		return turn{}, false
	default:
	}
	select {
	case next, open := <-t.turns:
		if !open {
			t.over()
		}
		return next, open
	case <-t.h2.seen().done:
		return turn{}, false
	case <-t.gone:
		return turn{}, false
	}
}

// over waits for the end of a connection on which the client has said all. One of QUIC is
// never half closed: with the last response it is over.
func (t *textConn) over() {
	if _, quic := t.h2.(*h3client); quic {
		_ = t.Conn.Close()
	}
	select {
	case <-t.h2.seen().done:
	case <-t.gone:
	}
}

// response writes one response down. The error says why it is not whole.
func (t *textConn) response(st *h2stream) error {
	interim := 0
	for {
		c := t.h2.seen()
		c.await(0, func() bool { return len(st.interim) > interim || st.head != nil || st.reset != nil || st.wrong != nil })
		c.mu.Lock()
		var block []field
		final := false
		switch {
		case st.wrong != nil:
		case len(st.interim) > interim:
			block = st.interim[interim]
			interim++
		case st.head != nil:
			block, final = st.head, true
		}
		err, closes, ended := t.failure(st), len(c.goAways) > 0, st.ended
		c.mu.Unlock()
		switch {
		case block == nil:
			return err
		case final:
			return t.final(st, block, closes, ended)
		}
		status, _ := strconv.Atoi(block[len(block)-1].value)
		t.put("HTTP/1.1 " + itoa(status) + " " + http.StatusText(status) + "\r\n" + lines(block[:len(block)-1]) + "\r\n")
	}
}

// failure says why a response ends early.
func (t *textConn) failure(st *h2stream) error {
	switch c := t.h2.seen(); {
	case st.wrong != nil:
		return fmt.Errorf("malformed: %w", st.wrong)
	case st.reset != nil && *st.reset == http2.ErrCodeRefusedStream:
		return errRefused
	case st.reset != nil:
		return fmt.Errorf("stream %d was reset with %v", st.id, *st.reset)
	case len(c.goAways) > 0 && c.goAways[len(c.goAways)-1].last < st.id && c.err != nil:
		return errRefused
	case c.err != nil:
		return c.err
	}
	return nil
}

func (t *textConn) put(text string) { t.in.put([]byte(text), t.gone) }

func lines(fields []field) string {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(textproto.CanonicalMIMEHeaderKey(f.name) + ": " + f.value + "\r\n")
	}
	return b.String()
}

func (t *textConn) final(st *h2stream, head []field, closes, ended bool) error {
	r := response{fields: head}
	chunked := len(r.all("content-length")) == 0
	text := "HTTP/1.1 " + itoa(st.status) + " " + http.StatusText(st.status) + "\r\n" + lines(head)
	if closes {
		text += "Connection: close\r\n"
	}
	bodyless := st.method == "HEAD" || st.status == 204 || st.status == 304
	if chunked && !bodyless {
		text += "Transfer-Encoding: chunked\r\n"
	}
	t.put(text + "\r\n")
	for {
		data, over, err := t.piece(st)
		if len(data) > 0 && chunked {
			t.put(hex(len(data)) + "\r\n" + string(data) + "\r\n")
		} else if len(data) > 0 {
			t.put(string(data))
		}
		if len(data) > 0 {
			t.h2.taken(st.id, len(data), over)
		}
		switch {
		case err != nil:
			return err
		case over && chunked && !bodyless:
			t.put("0\r\n" + lines(st.trailer) + "\r\n")
			return nil
		case over:
			return nil
		}
	}
}

// piece waits for the next part of a body.
func (t *textConn) piece(st *h2stream) (data []byte, over bool, err error) {
	c := t.h2.seen()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaitLocked(0, func() bool { return len(st.data) > 0 || st.ended || st.reset != nil || st.wrong != nil })
	if len(st.data) > 0 && st.wrong == nil {
		data, st.data = st.data[0], st.data[1:]
		return data, st.ended && len(st.data) == 0, nil
	}
	if st.ended && st.wrong == nil {
		return nil, true, nil
	}
	return nil, false, t.failure(st)
}
