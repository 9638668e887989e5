package extract

import (
	"io"
	"net/http"

	"github.com/tako-go/tako"
)

// Stream is the request body as a reader, of any media type, up to the limit of
// the route: reading beyond it gives an error that matches [tako.ErrBodyTooLarge]
// and is answered 413. It is borrowed: it must not be read when the handler has
// returned. Extract reads nothing and never fails.
type Stream struct {
	// Reader is the body. Its errors have a status.
	io.Reader
}

var (
	_ tako.Describer      = (*Stream)(nil)
	_ tako.RequestEncoder = (*Stream)(nil)
)

// Extract takes the reader.
func (s *Stream) Extract(c *tako.Context) error {
	s.Reader = c.Body()
	return nil
}

// Describe records the body.
func (s *Stream) Describe(op *tako.Operation, field string) { describeBody(op, field, anyMedia) }

// EncodeRequest sends what the reader yields, as application/octet-stream unless
// the request has a Content-Type.
func (s *Stream) EncodeRequest(req *http.Request) error {
	if s.Reader == nil {
		return nil
	}
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(s.Reader), -1, nil
	return nil
}
