package extract

import (
	"net/http"
	"sync"

	"github.com/tako-go/tako"
)

// RawBody is the whole request body as it came, for handlers that are done with
// it when they return: the memory then belongs to other requests. It is blanked
// first, so that a handler which kept it finds zeros rather than what somebody
// else has sent, and the race detector finds a goroutine that still reads.
// Otherwise it is as [Bytes]; take that where in doubt.
type RawBody []byte

var (
	_ tako.Describer      = (*RawBody)(nil)
	_ tako.RequestEncoder = (*RawBody)(nil)
)

// The sizes of pooled memory: what it begins with and what is still given back.
const (
	firstRawBody = 4 << 10
	keptRawBody  = 64 << 10
)

var rawBodies = sync.Pool{New: func() any {
	b := make([]byte, 0, firstRawBody)
	return &b
}}

// Extract reads the body to its end.
func (b *RawBody) Extract(c *tako.Context) error {
	if c.ContentLength() == 0 {
		*b = RawBody{}
		return nil
	}
	buf := rawBodies.Get().(*[]byte)
	c.OnDone(func(tako.Outcome) {
		clear(*buf)
		if cap(*buf) <= keptRawBody {
			*buf = (*buf)[:0]
			rawBodies.Put(buf)
		}
	})
	// A length that is only declared reserves no more than is kept anyway.
	if n := c.ContentLength(); n >= int64(cap(*buf)) && n < keptRawBody {
		*buf = make([]byte, 0, n+1)
	}
	body, err := c.AppendBody((*buf)[:0])
	*buf = body
	*b = RawBody(body[:len(body):len(body)])
	return err
}

// Absent reports whether the body is empty.
func (b *RawBody) Absent() bool { return len(*b) == 0 }

// Describe records the body.
func (b *RawBody) Describe(op *tako.Operation, field string) { describeBody(op, field, anyMedia) }

// EncodeRequest writes a copy of the body, as application/octet-stream unless the
// request has a Content-Type.
func (b *RawBody) EncodeRequest(req *http.Request) error {
	setBody(req, "application/octet-stream", append([]byte(nil), *b...))
	return nil
}
