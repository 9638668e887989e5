package soak

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// notes is a Reporter that remembers.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *notes) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, format+"\n", args...)
}

func (r *notes) Logf(string, ...any) {}

// keeper holds on to what faults keep.
type keeper struct {
	free   chan struct{}
	mu     sync.Mutex
	blocks [][]byte
}

func (k *keeper) keep(block []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.blocks = append(k.blocks, block)
}

// noticed soaks a server with a fault. A busy machine may serve too few requests at first for one
// of them to meet it.
func noticed(t *testing.T, want string, cfg Config) {
	t.Helper()
	var got notes
	for range 10 {
		got = notes{}
		Run(&got, cfg)
		if strings.Contains(got.text.String(), want) {
			return
		}
	}
	t.Errorf("got %s, want it to contain %q", got.text.String(), want)
}

// TestFaults breaks the server and looks whether that is noticed.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("about the soak itself")
	}
	quiet(t)
	tests := []struct {
		name      string
		rotations int
		want      string
		fault     func(k *keeper, next tako.Handler) tako.Handler
	}{
		{"goroutine kept", 1, "leak: ", func(k *keeper, next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				go func() { <-k.free }()
				return next(c)
			}
		}},
		{"memory kept", 2, "memory: ", func(k *keeper, next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				k.keep(make([]byte, 32<<10)) // enough on a machine that serves few
				return next(c)
			}
		}},
		{"answer lost", 1, "lost: ", func(_ *keeper, next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				if number(c)%50 != 7 {
					return next(c)
				}
				conn, _, err := c.Hijack()
				if err != nil {
					return err
				}
				return conn.Close()
			}
		}},
		{"answer of another", 1, "mixed up: ", func(_ *keeper, next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				if number(c)%50 == 7 {
					c.Header().Set("X-N", "8")
				}
				return next(c)
			}
		}},
		{"body cut", 1, "broken body: ", func(_ *keeper, next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				if number(c)%50 != 7 {
					return next(c)
				}
				return tear(c)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := &keeper{free: make(chan struct{})}
			defer close(k.free)
			noticed(t, tt.want, Config{Targets: targets(t)[:1], Duration: time.Millisecond, Rotation: 400 * time.Millisecond, turns: tt.rotations,
				around:   func(next tako.Handler) tako.Handler { return tt.fault(k, next) },
				leakWait: time.Second})
		})
	}
}

func TestLedger(t *testing.T) {
	l := newLedger()
	l.send(1)
	assert.Equal(t, l.begin(1), "")
	assert.Contains(t, l.begin(1), "served twice")
	assert.Equal(t, l.answer(1), "")
	assert.Contains(t, l.begin(1), "answered already")
	assert.Contains(t, l.begin(2), "nobody has sent")
	l.send(3)
	assert.Contains(t, l.answer(3), "no handler gave")
	l.send(4)
	assert.Equal(t, l.lose(4), "")
	assert.Contains(t, l.begin(4), "turned away")
	l.send(5)
	assert.Equal(t, l.begin(5), "")
	assert.Contains(t, l.lose(5), "answer lost")
	assert.Equal(t, l.begin(6|loose), "")
}

func TestPattern(t *testing.T) {
	whole := func(n uint64) string {
		text, err := io.ReadAll(newPattern(n, 30001))
		assert.NoError(t, err)
		return string(text)
	}
	one, other := whole(1), whole(2)
	changed := one[:20000] + "x" + one[20001:]
	tests := []struct{ name, text, want string }{
		{"whole", one, ""},
		{"of another", other, "byte 0 of 30001 is wrong"},
		{"changed", changed, "byte 20000 of 30001 is wrong"},
		{"moved", one[8:] + one[:8], "byte 0 of 30001 is wrong"},
		{"short", one[:30000], "ends at 30000 of 30001 bytes"},
		{"long", one + "x", "more than 30001 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := newPattern(1, 30001).verify(strings.NewReader(tt.text))
			if tt.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.Contains(t, fmt.Sprint(err), tt.want)
		})
	}
}
