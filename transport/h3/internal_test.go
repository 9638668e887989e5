package h3

import (
	"bytes"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestTagOf(t *testing.T) {
	t.Parallel()
	own := newTag()
	id, err := own.GenerateConnectionID()
	assert.NoError(t, err)
	long := func(length byte) []byte {
		return append(append([]byte{0xc0, 0, 0, 0, 1, length}, id.Bytes()...), "more"...)
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"empty", nil, false},
		{"short header", append([]byte{0x40}, id.Bytes()...), true},
		{"cut short header", append([]byte{0x40}, id.Bytes()[:idLen-1]...), false},
		{"long header", long(idLen), true},
		{"cut long header", long(idLen)[:6+idLen-1], false},
		{"long header with another length", long(8), false},
		{"a client's own", append([]byte{0xc0, 0, 0, 0, 1, idLen}, make([]byte, 20)...), false},
	} {
		got, ok := tagOf(tt.b)
		assert.Equal(t, ok && got == own, tt.want, tt.name)
	}
}

func FuzzTagOf(f *testing.F) {
	f.Add([]byte{0x40})
	f.Add(bytes.Repeat([]byte{idLen}, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, ok := tagOf(b); ok && !bytes.Contains(b, got[:]) {
			t.Errorf("%x is not in %x", got, b)
		}
	})
}

// deadlines is a writer that notes its read deadline.
type deadlines struct {
	responseWriter
	read time.Time
}

func (d *deadlines) SetReadDeadline(by time.Time) error {
	d.read = by
	return nil
}

// EX-12: how long a read of a body may take.
func TestBodyDeadline(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		name    string
		limits  tako.Limits
		got     int64
		waited  time.Duration
		handler time.Duration
		want    time.Duration
	}{
		{"without limits", tako.Limits{BodyTimeout: tako.NoLimit, MinBodyRate: tako.NoLimit}, 0, 0, 0, 0},
		{"timeout", tako.Limits{BodyTimeout: time.Minute, MinBodyRate: tako.NoLimit}, 0, 0, 0, time.Minute},
		{"grace", tako.Limits{BodyTimeout: time.Minute, MinBodyRate: 100}, 0, 0, 0, grace},
		{"grace is used up", tako.Limits{BodyTimeout: time.Minute, MinBodyRate: 100}, 0, grace, 0, 0},
		{"fast enough", tako.Limits{BodyTimeout: time.Minute, MinBodyRate: 100}, 2000, grace, 0, 20*time.Second - grace},
		{"handler's own", tako.Limits{BodyTimeout: time.Minute, MinBodyRate: 100}, 0, 0, time.Second, time.Second},
		{"handler's own is later", tako.Limits{BodyTimeout: time.Minute, MinBodyRate: 100}, 0, 0, time.Hour, grace},
	} {
		w := &deadlines{}
		x := &request{responseWriter: w, s: &Server{cfg: Config{Limits: tt.limits}}}
		if tt.handler > 0 {
			x.readBy = now.Add(tt.handler)
		}
		b := &body{x: x, since: now, waited: tt.waited, got: tt.got}
		b.arm(now)
		if tt.name == "without limits" {
			assert.Equal(t, w.read.IsZero(), true, tt.name)
			continue
		}
		assert.Equal(t, w.read.Sub(now), tt.want, tt.name)
	}
}

// The library shows by a field of its own what cutFrame looks for; TestConnectionRules has a
// frame that is cut.
func TestCutFrameOfOthers(t *testing.T) {
	t.Parallel()
	for _, src := range []io.Reader{nil, strings.NewReader(""), http.NoBody, struct{ io.Reader }{}, &struct {
		io.Reader
		str int
	}{}} {
		assert.Equal(t, cutFrame(src), false)
	}
}

// Limits beyond all measure are none.
func TestFieldSection(t *testing.T) {
	t.Parallel()
	for _, l := range []tako.Limits{{HeaderBytes: math.MaxInt, HeaderFields: 1}, {HeaderBytes: 1, HeaderFields: math.MaxInt}, {HeaderBytes: math.MaxInt, HeaderFields: math.MaxInt}} {
		if got := fieldSection(&l); got < 32<<20 {
			t.Errorf("%d bytes for %+v", got, l)
		}
	}
	assert.Equal(t, fieldSection(&tako.Limits{HeaderBytes: 1000, HeaderFields: 10}), 1000+32*18)
}

// Marked is how many connections there were when the drain began.
func (s *Server) Marked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.marked)
}
