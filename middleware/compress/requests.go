package compress

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/coding"
)

// RequestConfig configures [Requests].
type RequestConfig struct {
	// Codings are the codings that are decoded. With another one than "gzip", "deflate", "br"
	// and "zstd" every request is answered 500.
	// Default: these four, in this order.
	Codings []string
	// MaxCodings is how many codings a body may have, one around the other.
	// Default: 2.
	MaxCodings int
}

// Requests decodes request bodies that have a Content-Encoding. Handlers and extractors
// further in, also those of net/http, get the decoded body, and neither Content-Encoding
// nor Content-Length. The body limit holds for the decoded size, while it is read: a small
// body that would become a large one is 413 as soon as it has passed it.
//
// Bodies that are corrupt or cut off are 400, other codings and too many 415 with the known
// ones in Accept-Encoding (RFC 9110, section 15.5.16).
func Requests(cfg RequestConfig) tako.Middleware {
	if len(cfg.Codings) == 0 {
		cfg.Codings = []string{coding.Gzip, coding.Deflate, coding.Brotli, coding.Zstd}
	}
	if cfg.MaxCodings <= 0 {
		cfg.MaxCodings = 2
	}
	if err := checkCodings(cfg.Codings); err != nil {
		return misconfigured(err)
	}
	cfg.Codings = slices.Clone(cfg.Codings)
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if c.ContentLength() == 0 && c.RequestHeader("Content-Encoding") == "" {
				return next(c)
			}
			lines := c.RequestHeaderValues("Content-Encoding") // the first of several may be empty
			if len(lines) == 0 {
				return next(c)
			}
			codings, err := cfg.parse(lines)
			if err == nil {
				err = c.DecodeBody(func(body io.Reader) io.Reader { return newDecoded(codings, body, c.ContentLength() == 0) })
			}
			if err != nil {
				return err
			}
			return next(c)
		}
	}
}

// parse returns the codings in the order in which they were applied.
func (cfg *RequestConfig) parse(lines []string) (codings []string, err error) {
	for _, line := range lines {
		for item := range ascii.ListItems(line) {
			name := strings.ToLower(item)
			if name == "x-gzip" {
				name = coding.Gzip
			}
			switch {
			case name == coding.Identity:
			case !slices.Contains(cfg.Codings, name):
				return nil, cfg.refuse("the body has the coding %.40q, which is not supported", item)
			case len(codings) == cfg.MaxCodings:
				return nil, cfg.refuse("the body has more than %d codings", cfg.MaxCodings)
			default:
				codings = append(codings, name)
			}
		}
	}
	return codings, nil
}

func (cfg *RequestConfig) refuse(format string, arg any) error {
	return tako.Errorf(http.StatusUnsupportedMediaType, format, arg).With("Accept-Encoding", strings.Join(cfg.Codings, ", "))
}

// A coded body is hardly ever longer than what is in it. One that is may have no end, and
// nothing in it that a limit would stop: it may have codedPerByte bytes for each decoded one,
// and codedSlack more. That holds for each coding by itself, as the outer one of two may make
// as much as it likes of nothing.
const (
	codedPerByte = 16
	codedSlack   = 256 << 10
)

// decoded is a request body without its codings.
type decoded struct {
	from   io.Reader
	layers []*layer
	names  string
}

// layer undoes one coding, as long as that is worth it.
type layer struct {
	*coding.Decoder
	coded codedBody
}

func (l *layer) Read(p []byte) (int, error) {
	n, err := l.Decoder.Read(p)
	l.coded.made += int64(n)
	return n, err
}

// codedBody is what a layer reads.
type codedBody struct {
	from io.Reader
	n    int64 // what was read of it
	made int64 // what the layer has made of that
}

func (r *codedBody) Read(p []byte) (int, error) {
	if r.n > codedSlack+codedPerByte*r.made {
		return 0, &tako.Error{Status: http.StatusBadRequest, Detail: "the body is much longer in its coding than without", Err: coding.ErrCorrupt}
	}
	n, err := r.from.Read(p)
	r.n += int64(n)
	return n, err
}

// newDecoded undoes the codings of body, the last one first. What is empty is left so.
func newDecoded(codings []string, body io.Reader, empty bool) io.Reader {
	if empty {
		return body
	}
	d := &decoded{names: strings.Join(codings, ", "), from: body}
	for _, name := range slices.Backward(codings) {
		l := &layer{coded: codedBody{from: d.from}}
		var err error
		if l.Decoder, err = coding.NewDecoder(name, &l.coded); err != nil {
			d.from = failing{err}
			break
		}
		d.layers = append(d.layers, l)
		d.from = l
	}
	return d
}

// failing is a reader that does nothing but fail.
type failing struct{ err error }

func (r failing) Read([]byte) (int, error) { return 0, r.err }

func (d *decoded) Read(p []byte) (int, error) {
	n, err := d.from.Read(p)
	if _, judged := errors.AsType[*tako.Error](err); !judged && errors.Is(err, coding.ErrCorrupt) {
		err = &tako.Error{Status: http.StatusBadRequest, Detail: "the body is not valid in its coding, " + d.names, Err: err}
	}
	return n, err
}

// Close gives the decoders back, the outermost first: it reads from the one behind it.
func (d *decoded) Close() error {
	for _, l := range slices.Backward(d.layers) {
		l.Release()
	}
	d.layers, d.from = nil, failing{io.ErrClosedPipe}
	return nil
}
