// Package assert holds the few checks that tests of this module repeat.
//
// Equal, ErrorIs and Contains report and go on, so that one run shows all that
// is wrong; NoError and Eventually stop the test, because what follows them
// would fail for the same reason.
package assert

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// Equal reports a got that is not deeply equal to want. The optional about says
// what was compared.
func Equal[T any](tb testing.TB, got, want T, about ...any) {
	tb.Helper()
	if !reflect.DeepEqual(got, want) {
		tb.Errorf("%sgot %s, want %s", label(about), show(got), show(want))
	}
}

// NoError stops the test when err is not nil.
func NoError(tb testing.TB, err error, about ...any) {
	tb.Helper()
	if err != nil {
		tb.Fatalf("%sgot error %v, want none", label(about), err)
	}
}

// ErrorIs reports an err whose tree does not hold target.
func ErrorIs(tb testing.TB, err, target error, about ...any) {
	tb.Helper()
	if !errors.Is(err, target) {
		tb.Errorf("%sgot error %v, want %v", label(about), err, target)
	}
}

// Contains reports a text without part in it.
func Contains(tb testing.TB, text, part string, about ...any) {
	tb.Helper()
	if !strings.Contains(text, part) {
		tb.Errorf("%sgot %q, want it to contain %q", label(about), text, part)
	}
}

// Eventually calls cond on the test's goroutine until it is true and stops the
// test when that takes longer than within. The wait names cond in the report.
func Eventually(tb testing.TB, within time.Duration, wait string, cond func() bool) {
	tb.Helper()
	limit := time.NewTimer(within)
	defer limit.Stop()
	again := time.NewTicker(pause(within))
	defer again.Stop()
	for !cond() {
		select {
		case <-again.C:
		case <-limit.C:
			if !cond() {
				tb.Fatalf("after %v still not: %s", within, wait)
			}
			return
		}
	}
}

// pause looks often enough for a short wait without keeping a core busy in a
// long one.
func pause(within time.Duration) time.Duration {
	return min(max(within/200, 100*time.Microsecond), 20*time.Millisecond)
}

func label(about []any) string {
	if len(about) == 0 {
		return ""
	}
	return fmt.Sprint(about...) + ": "
}

// show quotes text and prints the rest with its field names.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case []byte:
		return fmt.Sprintf("%q", v)
	case error:
		return fmt.Sprintf("error %q", v)
	}
	return fmt.Sprintf("%+v", v)
}
