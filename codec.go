package tako

import (
	"bytes"
	"encoding/json"
	"io"
	"sync"

	"github.com/tako-go/tako/internal/ascii"
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
// match without regard to case, as that package has it. Text that is not UTF-8,
// and anything after the value, is an error; what else is depends on Config. Most
// types take a shorter way with the same result; strings of up to 256 bytes that
// were decoded share blocks of memory of 4 KiB.
type JSONCodec struct {
	// Config says how strict Decode is; the zero value is safe.
	Config JSONConfig
}

var _ Codec = JSONCodec{}

// MediaTypes returns application/json and every type with the suffix +json.
func (JSONCodec) MediaTypes() []string { return jsonTypes }

var jsonTypes = []string{"application/json", "+json"}

// Encode writes v as JSON without a line end; it does not escape HTML. If it
// fails nothing was written.
func (JSONCodec) Encode(w io.Writer, v any) error {
	if buf, ok := w.(*bytes.Buffer); ok {
		if text, ok := fastjson.Append(buf.AvailableBuffer(), v); ok {
			_, err := buf.Write(text)
			return err
		}
	}
	e := encoders.Get().(*jsonEncoder)
	defer e.release()
	body, err := e.encode(v)
	if err == nil {
		_, err = w.Write(body)
	}
	return err
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

func handles(codec Codec, media string) bool { return ascii.HasMedia(codec.MediaTypes(), media) }
