package extract

import (
	"net/http"

	"github.com/tako-go/tako"
)

// Bytes is the whole request body as it came, of any media type, in memory of its
// own. A content coding is left on it. A body over the limit of the route is 413,
// one that comes too slowly 408. See [RawBody] for one without a copy, [Stream]
// for one that does not fit, and [Limited] for a limit of its own.
type Bytes []byte

var (
	_ tako.Describer      = (*Bytes)(nil)
	_ tako.RequestEncoder = (*Bytes)(nil)
)

// Extract reads the body to its end.
func (b *Bytes) Extract(c *tako.Context) error {
	body, err := c.ReadBody()
	*b = body
	return err
}

// Absent reports whether the body is empty.
func (b *Bytes) Absent() bool { return len(*b) == 0 }

// Describe records the body.
func (b *Bytes) Describe(op *tako.Operation, field string) { describeBody(op, field, anyMedia) }

// EncodeRequest writes the body, as application/octet-stream unless the request
// has a Content-Type.
func (b *Bytes) EncodeRequest(req *http.Request) error {
	setBody(req, "application/octet-stream", *b)
	return nil
}
