package h3_test

import (
	"crypto/tls"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// Frames and streams of HTTP/3 made by hand, for clients that do what they should not.

const (
	frameData     = 0x0
	frameHeaders  = 0x1
	frameSettings = 0x4
	frameGoAway   = 0x7

	streamControl = 0
	streamPush    = 1
	streamEncoder = 2
	streamDecoder = 3
)

func varints(values ...uint64) (b []byte) {
	for _, v := range values {
		b = quicvarint.Append(b, v)
	}
	return b
}

func frame(kind uint64, payload ...byte) []byte {
	return append(varints(kind, uint64(len(payload))), payload...)
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// fields is a HEADERS frame with these names and values as literals (RFC 9204, section 4.5.6).
func fields(pairs ...string) []byte {
	return frame(frameHeaders, fieldSection(pairs...)...)
}

func fieldSection(pairs ...string) []byte {
	b := []byte{0, 0}
	for i := 0; i < len(pairs); i += 2 {
		b = prefixed(b, 0x20, 7, len(pairs[i]))
		b = append(b, pairs[i]...)
		b = prefixed(b, 0, 127, len(pairs[i+1]))
		b = append(b, pairs[i+1]...)
	}
	return b
}

// prefixed appends a prefixed integer (RFC 7541, section 5.1).
func prefixed(b []byte, pattern byte, most, n int) []byte {
	if n < most {
		return append(b, pattern|byte(n))
	}
	b = append(b, pattern|byte(most))
	for n -= most; n >= 128; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// ask is a HEADERS frame of a request; more fields may follow.
func ask(method, path string, more ...string) []byte {
	return fields(append([]string{":method", method, ":scheme", "https", ":authority", "localhost", ":path", path}, more...)...)
}

type tlsConfig = tls.Config

// raw is a connection with a control stream.
type raw struct {
	*quic.Conn
	t       testing.TB
	control *quic.SendStream
}

func dialRaw(t testing.TB, s tako.Server) *raw {
	t.Helper()
	r := &raw{Conn: dial(t, s), t: t}
	r.control = r.uni(varints(streamControl), frame(frameSettings))
	return r
}

// uni sends on a new unidirectional stream.
func (r *raw) uni(parts ...[]byte) *quic.SendStream {
	r.t.Helper()
	str, err := r.OpenUniStreamSync(within(r.t))
	assert.NoError(r.t, err)
	_, err = str.Write(join(parts...))
	assert.NoError(r.t, err)
	return str
}

// open sends on a new request stream.
func (r *raw) open(parts ...[]byte) *quic.Stream {
	r.t.Helper()
	str, err := r.OpenStreamSync(within(r.t))
	assert.NoError(r.t, err)
	assert.NoError(r.t, str.SetDeadline(time.Now().Add(patience)))
	_, err = str.Write(join(parts...))
	assert.NoError(r.t, err)
	return str
}

// request sends a whole request and returns what comes back.
func (r *raw) request(parts ...[]byte) answer {
	r.t.Helper()
	str := r.open(parts...)
	_ = str.Close() // it may have been stopped already
	return read(r.t, str)
}

// answer is what came on a stream.
type answer struct {
	status int // 0 if it was not one of the static table
	body   string
	reset  http3.ErrCode // 0 if it ended properly
	err    error
}

// statuses is where the static table has them (RFC 9204, appendix A).
var statuses = map[byte]int{24: 103, 25: 200, 26: 304, 27: 404, 28: 503, 64: 204, 65: 206, 66: 302, 67: 400, 68: 403, 69: 421, 70: 425, 71: 500}

func read(t testing.TB, str *quic.Stream) (a answer) {
	t.Helper()
	b, err := io.ReadAll(str)
	a.err = err
	var reset *quic.StreamError
	if errors.As(err, &reset) {
		a.reset = http3.ErrCode(reset.ErrorCode)
	}
	for len(b) > 0 {
		kind, n, err := quicvarint.Parse(b)
		if err != nil {
			break
		}
		length, m, err := quicvarint.Parse(b[n:])
		if err != nil || uint64(len(b)-n-m) < length {
			break
		}
		payload := b[n+m : n+m+int(length)]
		b = b[n+m+int(length):]
		switch {
		case kind == frameData:
			a.body += string(payload)
		case kind == frameHeaders && a.status == 0 && len(payload) > 3 && payload[2]&0xc0 == 0xc0:
			index := payload[2] & 0x3f
			if index == 63 {
				index += payload[3]
			}
			a.status = statuses[index]
		}
	}
	return a
}
