package tako

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/fastjson"
)

// Codec decodes request bodies and encodes responses of typed handlers. A Codec
// is used by many goroutines at once.
type Codec interface {
	// MediaTypes returns the types the codec stands for, in lower case; the first
	// is what it encodes to. An entry that begins with "+", such as "+json",
	// stands for every type with that suffix.
	MediaTypes() []string
	// Encode writes v, a pointer to what the handler returned.
	Encode(w io.Writer, v any) error
	// Decode fills v from a whole body, which it must not keep. Its error is
	// shown to the client as a 400, unless it is an [Error].
	Decode(data []byte, v any) error
}

// JSONCodec is the codec that every router has, built on encoding/json. Names
// match without regard to case and the last of equal names wins, as that package
// has it; unknown names are skipped. Text that is not UTF-8, and anything after
// the value, is an error. Plain values of plain types take a shorter way with the
// same result; strings that were decoded from a body of up to 1 KiB share a copy
// of it.
type JSONCodec struct{}

var _ Codec = JSONCodec{}

// MediaTypes returns application/json and every type with the suffix +json.
func (JSONCodec) MediaTypes() []string { return jsonTypes }

var jsonTypes = []string{"application/json", "+json"}

// Encode writes v as JSON without a line end; it does not escape HTML.
func (JSONCodec) Encode(w io.Writer, v any) error {
	e := encoders.Get().(*jsonEncoder)
	defer e.release()
	body, err := e.encode(v)
	if err == nil {
		_, err = w.Write(body)
	}
	return err
}

// Decode fills v from one JSON value.
func (JSONCodec) Decode(data []byte, v any) error {
	if fastjson.Unmarshal(data, v) {
		return nil
	}
	if !utf8.Valid(data) {
		return &Error{Status: http.StatusBadRequest, Detail: "the JSON is not UTF-8"}
	}
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return &Error{Status: http.StatusBadRequest, Detail: "the request body is empty, JSON is expected"}
	}
	if err := json.Unmarshal(data, v); err != nil {
		return jsonError(err)
	}
	return nil
}

// jsonError words a failure so that it names no Go type.
func jsonError(err error) error {
	e := &Error{Status: http.StatusBadRequest, Detail: "the JSON is malformed", Err: err}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		e.Detail = "the JSON is malformed: " + syntax.Error()
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		e.Detail = "the JSON has a value of the wrong kind"
		pointer := "/" + strings.ReplaceAll(mismatch.Field, ".", "/")
		if mismatch.Field == "" {
			pointer = ""
		}
		e.Fields = []FieldError{{In: "body", Name: pointer, Detail: "unexpected " + mismatch.Value}}
	}
	return e
}

// jsonEncoder is a buffer with an encoder on it, and one for values that need no
// encoder. They are pooled.
type jsonEncoder struct {
	buf   bytes.Buffer
	enc   *json.Encoder
	plain []byte
}

// keptBuffer is the largest buffer that goes back to the pool.
const keptBuffer = 64 << 10

var encoders = sync.Pool{New: func() any {
	e := new(jsonEncoder)
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false)
	return e
}}

// encode returns v as JSON; the bytes are valid until release.
func (e *jsonEncoder) encode(v any) ([]byte, error) {
	var ok bool
	if e.plain, ok = fastjson.Append(e.plain[:0], v); ok {
		return e.plain, nil
	}
	e.buf.Reset()
	if err := e.enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")), nil
}

func (e *jsonEncoder) release() {
	if e.buf.Cap() <= keptBuffer && cap(e.plain) <= keptBuffer {
		e.buf.Reset()
		encoders.Put(e)
	}
}

// codecFor returns the codec of s for a media type.
func (s *scope) codecFor(media string) Codec {
	if s != nil {
		for _, codec := range s.codecs {
			if handles(codec, media) {
				return codec
			}
		}
	}
	if media == jsonTypes[0] || handles(JSONCodec{}, media) {
		return JSONCodec{}
	}
	return nil
}

func handles(codec Codec, media string) bool {
	for _, t := range codec.MediaTypes() {
		if t == media || t[0] == '+' && strings.HasSuffix(media, t) && !strings.HasSuffix(media, "/"+t) {
			return true
		}
	}
	return false
}
