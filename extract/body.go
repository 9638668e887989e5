package extract

import (
	"bytes"
	"io"
	"net/http"

	"github.com/tako-go/tako"
)

// anyMedia is what documents say of a body that is read as it comes.
const anyMedia = "*/*"

// describeBody records a body that is read as it comes.
func describeBody(op *tako.Operation, field string, media ...string) {
	op.AddBody(field, nil, media...)
	op.AddFailure(http.StatusRequestEntityTooLarge, "the request body is over the limit of the route")
}

// setBody makes body that of req, which can then be sent more than once.
func setBody(req *http.Request, contentType string, body []byte) {
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, _ = req.GetBody()
}
