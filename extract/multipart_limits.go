package extract

import (
	"math"
	"time"

	"github.com/tako-go/tako"
)

// Limits of forms where [MultipartLimits] says nothing.
const (
	// DefaultMaxParts is the greatest number of parts.
	DefaultMaxParts = 128
	// DefaultMaxField is the greatest size in bytes of a part that is no file.
	DefaultMaxField = 64 << 10
	// DefaultMaxHeaderBytes is the greatest size of the header of a part.
	DefaultMaxHeaderBytes = 8 << 10
	// DefaultMaxHeaders is the greatest number of header fields of a part.
	DefaultMaxHeaders = 16
	// DefaultSpillAt is the size in bytes from which files are put on disk.
	DefaultSpillAt = 64 << 10
)

// MultipartLimits bound the forms of [Multipart] and [MultipartForm]. A group sets
// them by [tako.Supply]; the type of a form may have a method
// MultipartLimits() MultipartLimits, whose fields count before those of the group.
// A field that is zero leaves the limit as it is. What is over one is answered
// 413, and the body is not read on.
type MultipartLimits struct {
	// MaxTotal is the greatest size of the whole body in bytes, in place of the body
	// limit of the route; [tako.NoLimit] turns it off. Default: that limit.
	MaxTotal int64
	// MaxFile is the greatest size of a file in bytes. Default: none but MaxTotal.
	MaxFile int64
	// MaxField is the greatest size in bytes of a part that is no file.
	// Default: [DefaultMaxField].
	MaxField int64
	// MaxParts is the greatest number of parts, also of those that nobody reads.
	// Default: [DefaultMaxParts].
	MaxParts int
	// MaxHeaderBytes is the greatest size of the header of one part.
	// Default: [DefaultMaxHeaderBytes].
	MaxHeaderBytes int
	// MaxHeaders is the greatest number of header fields of one part.
	// Default: [DefaultMaxHeaders].
	MaxHeaders int
	// PartTimeout is how long one part may take to come, answered 408. It is looked
	// at as bytes arrive: a client that sends nothing at all is ended by the
	// server's own limits, [tako.Limits]. Default: none.
	PartTimeout time.Duration
	// Accept lists the media types that files may have, such as image/png or
	// image/*; others are answered 415. It is what the client claims. An accept tag
	// counts in its place. Default: all.
	Accept []string
	// SpillAt is the size in bytes from which a file of a [MultipartForm] is put on
	// disk; smaller ones stay in memory. 1 puts all there. Default: [DefaultSpillAt].
	SpillAt int64
	// Dir is the folder for files on disk. It must exist. Default: [os.TempDir].
	Dir string

	named bool // files on disk get a name even where they can do without
}

// over returns l with the fields of below where its own are zero.
func (l MultipartLimits) over(below MultipartLimits) MultipartLimits {
	inherit(&l.MaxTotal, below.MaxTotal)
	inherit(&l.MaxFile, below.MaxFile)
	inherit(&l.MaxField, below.MaxField)
	inherit(&l.MaxParts, below.MaxParts)
	inherit(&l.MaxHeaderBytes, below.MaxHeaderBytes)
	inherit(&l.MaxHeaders, below.MaxHeaders)
	inherit(&l.PartTimeout, below.PartTimeout)
	inherit(&l.SpillAt, below.SpillAt)
	inherit(&l.Dir, below.Dir)
	inherit(&l.named, below.named)
	if l.Accept == nil {
		l.Accept = below.Accept
	}
	return l
}

func inherit[T comparable](to *T, from T) {
	var zero T
	if *to == zero {
		*to = from
	}
}

// orDefaults fills in the defaults. A negative limit means none, as
// [tako.NoLimit] does.
func (l MultipartLimits) orDefaults() MultipartLimits {
	l = l.over(MultipartLimits{MaxFile: tako.NoLimit, MaxField: DefaultMaxField, MaxParts: DefaultMaxParts,
		MaxHeaderBytes: DefaultMaxHeaderBytes, MaxHeaders: DefaultMaxHeaders, SpillAt: DefaultSpillAt})
	for _, n := range []*int64{&l.MaxFile, &l.MaxField, &l.SpillAt} {
		if *n < 0 {
			*n = math.MaxInt64 - 1
		}
	}
	for _, n := range []*int{&l.MaxParts, &l.MaxHeaders} {
		if *n < 0 {
			*n = math.MaxInt
		}
	}
	if l.MaxHeaderBytes < 0 {
		l.MaxHeaderBytes = DefaultMaxHeaderBytes // it is held in memory
	}
	return l
}

// suppliedLimits returns what the groups of the route say.
func suppliedLimits(c *tako.Context) MultipartLimits {
	var supplied tako.State[MultipartLimits]
	_ = supplied.Extract(c) // nobody has to
	return supplied.Value
}

// limiter is implemented by types of forms that have limits of their own.
type limiter interface{ MultipartLimits() MultipartLimits }
