package tako

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
)

// A RegistrationError is one mistake made while a router was set up.
type RegistrationError struct {
	// Location is the file:line of the call.
	Location string
	// Message says what is wrong and how to mend it.
	Message string
}

// Error returns location and message.
func (e *RegistrationError) Error() string { return e.Location + ": " + e.Message }

// RegistrationErrors are all mistakes that Build found.
type RegistrationErrors []*RegistrationError

// Error lists the mistakes, one a line.
func (e RegistrationErrors) Error() string {
	lines := make([]string, len(e))
	for i, m := range e {
		lines[i] = m.Error()
	}
	if len(e) == 1 {
		return "tako: registration mistake: " + lines[0]
	}
	return fmt.Sprintf("tako: %d registration mistakes:\n\t%s", len(e), strings.Join(lines, "\n\t"))
}

// Unwrap returns the single mistakes.
func (e RegistrationErrors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, m := range e {
		errs[i] = m
	}
	return errs
}

// mistakes collects what a router and its groups were told wrong.
type mistakes struct {
	list  RegistrationErrors
	built atomic.Bool
}

func (m *mistakes) add(where, format string, args ...any) {
	if where == "" {
		where = callSite()
	}
	m.list = append(m.list, &RegistrationError{where, fmt.Sprintf(format, args...)})
}

// changing notes a change that comes too late to take effect.
func (m *mistakes) changing(where string) {
	if m.built.Load() {
		m.add(where, "router changed after it was built")
	}
}

func (m *mistakes) err() error {
	if len(m.list) == 0 {
		return nil
	}
	return slices.Clone(m.list)
}

const module = "github.com/tako-go/tako."

// callSite returns the file:line of the caller outside this package.
func callSite() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, module) || strings.HasSuffix(f.File, "_test.go") {
			dir, file := filepath.Split(f.File)
			return fmt.Sprintf("%s/%s:%d", filepath.Base(dir), file, f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}
