package compress

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/coding"
)

// Config configures [Responses].
type Config struct {
	// Codings are the codings that are offered, those first that are taken if the client
	// likes several as much: "br", "zstd", "gzip" and "deflate". With another one every
	// request is answered 500.
	// Default: these four, in this order.
	Codings []string
	// Levels say how much work is spent.
	Levels Levels
	// MinSize is the size in bytes from which bodies are compressed. One of unknown length is
	// held back until it has that size, is flushed or ends.
	// Default: 1024. [tako.NoLimit] compresses all that is not empty.
	MinSize int
	// Types are the media types that are compressed, in lower case. "text/*" stands for all
	// that begin with "text/", "+json" for all with that suffix. gRPC is never compressed.
	// Default: [DefaultTypes].
	Types []string
	// Secrets compresses also when the request has a Cookie or Authorization field or the
	// response a Set-Cookie. The size of such a response can give away what is secret in it,
	// if a stranger chooses a part of it (BREACH): set it only where responses do not repeat
	// what requests say, or hold no secret such as a CSRF token.
	Secrets bool
}

// Levels are levels of compression from 1, the fastest, to 9. 0 is the default, which is meant
// for bodies that are made for each request.
type Levels struct {
	// Brotli is for br.
	// Default: 3.
	Brotli int
	// Zstd is for zstd, in the measure of its library.
	// Default: 1.
	Zstd int
	// Gzip is for gzip and deflate.
	// Default: 5; 7 for bodies of unknown length, since lower levels find no repetitions across
	// pieces that are flushed.
	Gzip int
}

// DefaultTypes returns the media types that [Responses] compresses where none are set: text,
// JSON, XML and their relatives, and fonts and images that are not compressed already.
func DefaultTypes() []string {
	return []string{
		"text/*", "+json", "+xml", "+yaml", "+cbor", "+text",
		"application/json", "application/x-ndjson", "application/jsonl", "application/json-seq",
		"application/javascript", "application/x-javascript", "application/xml", "application/yaml",
		"application/cbor", "application/msgpack", "application/vnd.msgpack", "application/protobuf", "application/x-protobuf",
		"application/wasm", "application/graphql", "application/rtf", "application/x-www-form-urlencoded",
		"application/sql", "application/toml", "application/x-sh", "application/vnd.ms-fontobject",
		"font/ttf", "font/otf", "font/collection", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon",
	}
}

func (cfg *Config) setDefaults() error {
	if len(cfg.Codings) == 0 {
		cfg.Codings = []string{coding.Brotli, coding.Zstd, coding.Gzip, coding.Deflate}
	}
	if cfg.Types == nil {
		cfg.Types = DefaultTypes()
	}
	switch {
	case cfg.MinSize == 0:
		cfg.MinSize = 1024
	case cfg.MinSize < 0:
		cfg.MinSize = 1
	}
	cfg.Codings, cfg.Types = slices.Clone(cfg.Codings), slices.Clone(cfg.Types)
	return checkCodings(cfg.Codings)
}

func checkCodings(codings []string) error {
	for _, name := range codings {
		if !coding.Known(name) {
			return fmt.Errorf("compress: unknown coding %q", name)
		}
	}
	return nil
}

// misconfigured answers 500 for a mistake in a Config.
func misconfigured(err error) tako.Middleware {
	return func(tako.Handler) tako.Handler {
		return func(*tako.Context) error { return err }
	}
}

// level returns the level for name.
func (cfg *Config) level(name string, flushed bool) int {
	level := cfg.Levels.Gzip
	switch name {
	case coding.Brotli:
		level = cfg.Levels.Brotli
	case coding.Zstd:
		level = cfg.Levels.Zstd
	}
	return coding.Level(name, level, flushed)
}

// Responses compresses responses in the coding that the client likes best (RFC 9110, section
// 12.5.3), while they are written; each flush reaches the client. The response then has no
// digest, its Content-Length, if it has one, is that of the coded body, its ETag is weak, and
// Accept-Ranges: bytes becomes none. Compressible ones have Vary: Accept-Encoding, compressed or
// not, and so have a 304 and several ranges unless they say no-transform: the type is not known.
//
// It leaves alone what is small, coded already, part of a body (206), of another type, or has
// Cache-Control: no-transform, and what may hold secrets, see Config. A response to HEAD whose
// GET would be compressed has the fields of that but for Content-Encoding. An error in the middle
// of a compressed body breaks it off without a valid end.
//
// It stands outside middleware that makes entity tags, and inside what logs.
func Responses(cfg Config) tako.Middleware {
	if err := cfg.setDefaults(); err != nil {
		return misconfigured(err)
	}
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			r := &response{c: c, cfg: &cfg}
			c.BeforeHead(r.decide)
			if r.negotiate() && cfg.MinSize > 1 && !r.must && c.Method() != http.MethodHead {
				// Nothing is done with it but to know how long it is.
				c.Hold(cfg.MinSize-1, func(*tako.Head, []byte) error { return nil })
			}
			return next(c)
		}
	}
}

// response is what is known about a response before there is one.
type response struct {
	c      *tako.Context
	cfg    *Config
	coding string // Identity if it will not be compressed
	must   bool   // the client refuses bodies that are not
}

// negotiate chooses the coding, and reports whether there is one.
func (r *response) negotiate() bool {
	r.coding = coding.Identity
	var accept []string
	for name, value := range r.c.RequestHeaders() { // the first of several lines may be empty
		switch {
		case ascii.EqualFold(name, "Accept-Encoding"):
			accept = append(accept, value)
		case r.cfg.Secrets || value == "":
		case ascii.EqualFold(name, "Cookie"), ascii.EqualFold(name, "Authorization"):
			return false
		}
	}
	if r.coding, _ = coding.Negotiate(accept, r.cfg.Codings); r.coding == coding.Identity {
		return false
	}
	r.must = coding.Refuses(accept)
	return true
}

// decide runs before the head is sent.
func (r *response) decide(h *tako.Head) {
	if h.Status == http.StatusNotModified {
		r.notModified(h)
		return
	}
	if h.Status == http.StatusNoContent || h.Header.Has("Content-Encoding") || noTransform(h.Header) ||
		!r.compressible(h.Header.Get("Content-Type")) && !severalParts(h) {
		return
	}
	h.Header.AddVary("Accept-Encoding")
	smallest := int64(r.cfg.MinSize)
	if r.must {
		smallest = 1
	}
	switch {
	case r.coding == coding.Identity,
		h.Length >= 0 && h.Length < smallest,
		h.Status == http.StatusPartialContent || h.Header.Has("Content-Range"),
		!r.cfg.Secrets && h.Header.Has("Set-Cookie"):
		return
	}
	s := stage{coding: r.coding, level: r.cfg.level(r.coding, h.Length < 0)}
	h.Length = -1 // also to HEAD: what it says must be true of GET (RFC 9110, sections 8.6 and 9.3.2)
	if h.Header.Has("Accept-Ranges") {
		h.Header.Set("Accept-Ranges", "none") // a date would not tell this coding from the next
	}
	for _, name := range []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5"} {
		h.Header.Del(name)
	}
	weaken(h.Header)
	if r.c.Method() == http.MethodHead {
		return
	}
	h.Header.Set("Content-Encoding", r.coding)
	r.c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter {
		s.next = next
		return &s
	})
}

// severalParts reports whether the response has several ranges of a body. Its type does not tell
// theirs, so the whole body could be compressed for all that is known (RFC 9110, section 15.3.7).
func severalParts(h *tako.Head) bool {
	return h.Status == http.StatusPartialContent && ascii.MediaType(h.Header.Get("Content-Type")) == "multipart/byteranges"
}

// notModified gives a 304 the fields of the 200 that the client has: a tag that was weakened
// for it comes back weak.
func (r *response) notModified(h *tako.Head) {
	if noTransform(h.Header) {
		return
	}
	h.Header.AddVary("Accept-Encoding")
	tag := h.Header.Get("Etag")
	if !strings.HasPrefix(tag, `"`) {
		return
	}
	for _, line := range r.c.RequestHeaderValues("If-None-Match") {
		if strings.Contains(line, "W/"+tag) {
			weaken(h.Header)
			return
		}
	}
}

// weaken makes a strong entity tag weak: coded bodies differ from one encoder to the next.
func weaken(h *tako.Header) {
	if tag := h.Get("Etag"); strings.HasPrefix(tag, `"`) {
		h.Set("Etag", "W/"+tag)
	}
}

func noTransform(h *tako.Header) bool {
	for _, line := range h.Values("Cache-Control") {
		for item := range ascii.ListItems(line) {
			if ascii.EqualFold(item, "no-transform") {
				return true
			}
		}
	}
	return false
}

// compressible reports whether a body of this type is worth the work.
func (r *response) compressible(contentType string) bool {
	media := ascii.MediaType(contentType)
	if media == "" || strings.HasPrefix(media, "application/grpc") {
		return false
	}
	for _, t := range r.cfg.Types {
		if all, ok := strings.CutSuffix(t, "*"); ok && strings.HasPrefix(media, all) {
			return true
		}
	}
	return ascii.HasMedia(r.cfg.Types, media)
}
