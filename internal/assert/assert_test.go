package assert_test

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// recorder is a testing.TB that keeps what it is told.
type recorder struct {
	testing.TB
	said    []string
	stopped bool
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	r.stopped = true
	runtime.Goexit()
}

// record runs check on a goroutine of its own, as Fatalf ends it.
func record(check func(tb testing.TB)) *recorder {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(r)
	}()
	<-done
	return r
}

func TestChecks(t *testing.T) {
	missing := fmt.Errorf("open: %w", fs.ErrNotExist)
	tests := []struct {
		name  string
		check func(tb testing.TB)
		want  string // "" passes
		stops bool
	}{
		{name: "equal", check: func(tb testing.TB) { assert.Equal(tb, []int{1}, []int{1}) }},
		{name: "not equal", check: func(tb testing.TB) { assert.Equal(tb, 200, 404) }, want: "got 200, want 404"},
		{name: "text is quoted", check: func(tb testing.TB) { assert.Equal(tb, "a ", "a") }, want: `got "a ", want "a"`},
		{name: "bytes are quoted", check: func(tb testing.TB) { assert.Equal(tb, []byte("a"), nil) }, want: `got "a", want ""`},
		{name: "errors are quoted", check: func(tb testing.TB) { assert.Equal(tb, fs.ErrExist, fs.ErrClosed) }, want: `got error "file already exists"`},
		{name: "fields are named", check: func(tb testing.TB) { assert.Equal(tb, struct{ A int }{1}, struct{ A int }{2}) }, want: "got {A:1}, want {A:2}"},
		{name: "about", check: func(tb testing.TB) { assert.Equal(tb, 1, 2, "status of ", 3) }, want: "status of 3: got 1"},
		{name: "no error", check: func(tb testing.TB) { assert.NoError(tb, nil) }},
		{name: "an error", check: func(tb testing.TB) { assert.NoError(tb, missing, "read") }, want: "read: got error open: file", stops: true},
		{name: "wrapped", check: func(tb testing.TB) { assert.ErrorIs(tb, missing, fs.ErrNotExist) }},
		{name: "another error", check: func(tb testing.TB) { assert.ErrorIs(tb, errors.New("no"), fs.ErrNotExist) }, want: "got error no, want file does not exist"},
		{name: "no error at all", check: func(tb testing.TB) { assert.ErrorIs(tb, nil, fs.ErrNotExist) }, want: "got error <nil>"},
		{name: "contains", check: func(tb testing.TB) { assert.Contains(tb, "octopus", "top") }},
		{name: "contains not", check: func(tb testing.TB) { assert.Contains(tb, "octopus", "squid") }, want: `want it to contain "squid"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := record(tt.check)
			said := strings.Join(got.said, "\n")
			if (said == "") != (tt.want == "") || !strings.Contains(said, tt.want) || got.stopped != tt.stops {
				t.Errorf("got %q, stopped %v, want %q, %v", said, got.stopped, tt.want, tt.stops)
			}
		})
	}
}

func TestEventually(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		after := func(d time.Duration) func() bool {
			return func() bool { return time.Since(began) >= d }
		}
		if got := record(func(tb testing.TB) {
			assert.Eventually(tb, time.Second, "half a second passed", after(time.Second/2))
		}); len(got.said) != 0 {
			t.Errorf("got %q, want silence", got.said)
		}
		if took := time.Since(began); took > 600*time.Millisecond {
			t.Errorf("it looked again after %v, want soon after 500ms", took)
		}
		got := record(func(tb testing.TB) {
			assert.Eventually(tb, time.Second, "an hour passed", after(time.Hour))
		})
		if !got.stopped || !strings.Contains(strings.Join(got.said, ""), "after 1s still not: an hour passed") {
			t.Errorf("got %q, stopped %v", got.said, got.stopped)
		}
	})
}
