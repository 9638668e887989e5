package conformance_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// wsForm is a route that echoes, and how its handler is written.
type wsForm struct{ name, path string }

func wsForms() []wsForm {
	return []wsForm{{"blocking", "/ws"}, {"events", "/ws/events"}}
}

// wsURL is where a WebSocket is at path.
func (s *server) wsURL(path string) string {
	if s.tls {
		return "wss://" + s.addr + path
	}
	return "ws://" + s.addr + path
}

// ours skips what net/http has nothing of.
func ours(t *testing.T) {
	t.Helper()
	if *reference {
		t.Skip("net/http has nothing of it")
	}
}

// wsTool is the path of what wstools/install.sh puts below wstools, or skips the test. In CI it
// must be there, but for what needs a Python of 2020.
func wsTool(t *testing.T, path string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("wstools", path))
	assert.NoError(t, err)
	if _, err := os.Stat(file); err != nil {
		const advice = "%s is needed, wstools/install.sh installs it: %v"
		if os.Getenv("CI") == "true" && !strings.HasPrefix(path, ".autobahn") {
			t.Fatalf(advice, path, err)
		}
		t.Skipf(advice, path, err)
	}
	return file
}

// wsProgram is a client and a server that others wrote in another language.
type wsProgram struct {
	name string
	args func(t *testing.T) []string
}

func wsPrograms() []wsProgram {
	return []wsProgram{
		{"npm_ws", func(t *testing.T) []string {
			wsTool(t, "node_modules/ws")
			return []string{tool(t, "node"), wsTool(t, "peer.js")}
		}},
		{"websockets", func(t *testing.T) []string {
			return []string{wsTool(t, ".venv/bin/python"), wsTool(t, "peer.py")}
		}},
	}
}

// TestWebSocketPrograms has the clients talk to both forms of handlers.
func TestWebSocketPrograms(t *testing.T) {
	ours(t)
	each(t, nil, func(t *testing.T, s *server) {
		for _, program := range wsPrograms() {
			for i, form := range wsForms() {
				if !*long && s.tls != (i == 0) {
					continue // one form in clear and the other over TLS will do
				}
				t.Run(program.name+"/"+form.name, func(t *testing.T) {
					t.Parallel()
					args := append(program.args(t), "client", s.wsURL(form.path))
					assert.Equal(t, output(t, args[0], args[1:]...), "all is well\n")
				})
			}
		}
	})
}

// startProgram runs a server of others until the test ends, and returns its URL.
func startProgram(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out logBuffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 10*time.Second
	assert.NoError(t, cmd.Start())
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("the end of its output:\n%s", tail(out.String()))
		}
	})
	return "ws://" + awaitLine(t, &out, "listening ")
}

// awaitLine reads the output of a program until the line with a prefix, and returns the rest of it.
func awaitLine(t *testing.T, out *logBuffer, prefix string) (rest string) {
	t.Helper()
	assert.Eventually(t, startLimit, "a line "+prefix, func() bool {
		for line := range bytes.Lines([]byte(out.String())) {
			text, ok := strings.CutPrefix(string(line), prefix)
			if ok && strings.HasSuffix(text, "\n") {
				rest = strings.TrimSpace(text)
			}
		}
		return rest != ""
	})
	return rest
}
