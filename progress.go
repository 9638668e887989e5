package tako

import (
	"io"
	"time"
)

// Progress is how far a request body was read.
type Progress struct {
	// Read is the number of bytes that were read so far, before they are decoded.
	Read int64
	// Total is the declared length of the body, -1 if unknown.
	Total int64
	// Done says that the body was read to its end, Err why it cannot be read any more. Nothing
	// is told behind either.
	Done bool
	Err  error
}

// ProgressConfig sets how often progress is told. Zero means the default.
type ProgressConfig struct {
	// Bytes is how much has to be read in between.
	// Default: 64 KiB.
	Bytes int64
	// Interval is how much time has to pass in between.
	// Default: 100 ms.
	Interval time.Duration
}

// OnProgress has f called while the request body is read, on the goroutine that reads: when
// something was read first, then no more often than cfg says, and at the end. It
// replaces what was set before; nil takes that back. It is called before the body is read.
//
// Only what the handler reads counts: of a body that is not read, or not to its end, no end is
// told.
func (c *Context) OnProgress(cfg ProgressConfig, f func(Progress)) {
	c.live()
	if f == nil {
		c.watchBody(nil)
		return
	}
	if cfg.Bytes <= 0 {
		cfg.Bytes = 64 << 10
	}
	if cfg.Interval <= 0 {
		cfg.Interval = 100 * time.Millisecond
	}
	w := &bodyWatch{cfg: cfg, tell: f, total: c.ex.ContentLength()}
	if d := decodedOf(c.ex); d != nil { // what counts is read before it is decoded
		w.total = d.Exchange.ContentLength()
	}
	c.watchBody(w.saw)
}

// bodyWatch counts what is read of a body.
type bodyWatch struct {
	cfg   ProgressConfig
	tell  func(Progress)
	total int64
	read  int64
	told  int64     // how much was read when it was told last
	last  time.Time // when
	over  bool
}

// saw is called with what a read of the body has returned.
func (w *bodyWatch) saw(n int, err error) {
	if w.over {
		return
	}
	w.read += int64(n)
	p := Progress{Read: w.read, Total: w.total, Done: err == io.EOF || w.total >= 0 && w.read >= w.total}
	if !p.Done {
		p.Err = err
	}
	w.over = p.Done || p.Err != nil
	if !w.over {
		if n == 0 || w.told > 0 && w.read-w.told < w.cfg.Bytes {
			return
		}
		now := time.Now()
		if now.Sub(w.last) < w.cfg.Interval {
			return
		}
		w.last = now
	}
	w.told = w.read
	w.tell(p)
}
