package extract

import (
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tako-go/tako"
)

// Text is the request body as text. Its media type has to be text/*, its charset
// utf-8 or us-ascii, or none, which stands for utf-8; anything else is 415, as is a
// content coding. Text that is not in its charset is 400, a body over the limit of
// the route 413. Where there is neither a Content-Type nor a body, that is 400 and
// matches [tako.ErrAbsent].
type Text string

var (
	_ tako.Describer      = (*Text)(nil)
	_ tako.RequestEncoder = (*Text)(nil)
)

const plainText = "text/plain; charset=utf-8"

// Extract reads the body to its end.
func (t *Text) Extract(c *tako.Context) error {
	contentType := c.RequestHeader("Content-Type")
	if contentType == "" && c.ContentLength() == 0 {
		return missingBody()
	}
	charset, detail := textCharset(contentType)
	if detail != "" {
		return tako.Errorf(http.StatusUnsupportedMediaType, "%s, text in UTF-8 is expected", detail).With("Accept", plainText)
	}
	if err := c.CheckCoding(); err != nil {
		return err
	}
	body, err := c.ReadBody()
	if err != nil {
		return err
	}
	if !utf8.Valid(body) || charset == "us-ascii" && !isASCII(body) {
		return tako.BadRequest("the body is not the %s that its Content-Type says", strings.ToUpper(charset))
	}
	*t = Text(body)
	return nil
}

// textCharset returns the charset in lower case, or what is wrong.
func textCharset(contentType string) (charset, detail string) {
	if contentType == "" {
		return "", "the request has no Content-Type"
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(media, "text/") {
		return "", "the body has media type \"" + contentType + "\""
	}
	switch charset = strings.ToLower(params["charset"]); charset {
	case "", "utf8":
		return "utf-8", ""
	case "ascii":
		return "us-ascii", ""
	case "utf-8", "us-ascii":
		return charset, ""
	}
	return "", "the body has charset \"" + charset + "\""
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Describe records the body.
func (t *Text) Describe(op *tako.Operation, field string) {
	describeBody(op, field, "text/plain")
	op.AddFailure(http.StatusUnsupportedMediaType, "the request body is no text in UTF-8 or US-ASCII")
	op.AddFailure(http.StatusBadRequest, "the request body is missing, or not in its charset")
}

// EncodeRequest writes the body, as text/plain unless the request has a
// Content-Type.
func (t *Text) EncodeRequest(req *http.Request) error {
	setBody(req, plainText, []byte(*t))
	return nil
}
