package extract_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

const formType = "multipart/form-data; boundary=b"

// patience bounds every wait for something that happens soon.
const patience = 20 * time.Second

// formPart writes one part of a form with the boundary b.
func formPart(disposition, contentType, body string) string {
	text := "--b\r\nContent-Disposition: form-data; " + disposition + "\r\n"
	if contentType != "" {
		text += "Content-Type: " + contentType + "\r\n"
	}
	return text + "\r\n" + body + "\r\n"
}

// formOf ends a form.
func formOf(parts ...string) string { return strings.Join(parts, "") + "--b--\r\n" }

func postForm(s *takotest.Server, target, body string) *takotest.Response {
	return s.Post(target, takotest.Body(formType, body))
}

// onRuntimes runs f with a server on net/http and on event loops.
func onRuntimes(t *testing.T, limits tako.Limits, app func(t *testing.T) *tako.Router, f func(t *testing.T, s *takotest.Server)) {
	t.Run("std", func(t *testing.T) {
		f(t, takotest.Run(t, std.New(app(t), std.Config{Addr: "127.0.0.1:0", Limits: limits, Log: quietLog()})))
	})
	t.Run("loop", func(t *testing.T) {
		f(t, takotest.Run(t, loop.New(app(t), loop.Config{Addr: "127.0.0.1:0", Limits: limits, Log: quietLog()})))
	})
}

// quietLog is for servers whose handlers fail on purpose.
func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// leftIn lists the files in dir and those of this process that were there and have
// no name.
func leftIn(t *testing.T, dir string) (left []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	assert.NoError(t, err)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if runtime.GOOS != "linux" {
		return left
	}
	open, err := filepath.Glob("/proc/self/fd/*")
	assert.NoError(t, err)
	for _, fd := range open {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, dir+"/") {
			left = append(left, to)
		}
	}
	return left
}

func expectNoneLeft(t *testing.T, dir string) {
	t.Helper()
	assert.Eventually(t, patience, "no uploaded file is left", func() bool { return len(leftIn(t, dir)) == 0 })
}

// spilling puts every file on disk in dir.
func spilling(dir string) extract.MultipartLimits {
	return extract.MultipartLimits{Dir: dir, SpillAt: 1}
}

func fieldNames(e *tako.Error) (names []string) {
	for _, f := range e.Fields {
		names = append(names, fmt.Sprintf("%s %s: %s", f.In, f.Name, f.Detail))
	}
	return names
}
