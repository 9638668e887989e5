package loop

import (
	"sync/atomic"
	"time"

	"github.com/tako-go/tako/internal/http1"
)

// dateCache makes the Date field once a second, for all but the loops, which have
// their own.
type dateCache struct{ last atomic.Pointer[datedLine] }

type datedLine struct {
	second int64
	line   []byte
}

func (d *dateCache) line(now time.Time) []byte {
	second := now.Unix()
	if last := d.last.Load(); last != nil && last.second == second {
		return last.line
	}
	made := &datedLine{second, http1.AppendDate(nil, now)}
	d.last.Store(made)
	return made.line
}
