// Package coding holds the content codings of HTTP (RFC 9110, section 8.4): which one a
// client wants, and pooled encoders and decoders for gzip, deflate, br and zstd. It is the
// home of the modules that implement them.
package coding

// Identity is the name of no coding at all.
const Identity = "identity"

// The names of the codings, as fields have them.
const (
	Brotli  = "br"
	Zstd    = "zstd"
	Gzip    = "gzip"
	Deflate = "deflate" // zlib around deflate (RFC 9110, section 8.4.1.2)
)
