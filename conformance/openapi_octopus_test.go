package conformance_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// octopus is a running process of examples/octopus, whose API describes itself.
type octopus struct {
	base string // such as "http://127.0.0.1:4711"
	log  logBuffer
}

// octopusBinary builds the example once for all tests, beside their server.
var octopusBinary = sync.OnceValues(func() (string, error) {
	file := filepath.Join(filepath.Dir(binary), "octopus")
	args := []string{"build", "-o", file}
	if *long {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "./examples/octopus")...)
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build examples/octopus: %w\n%s", err, out)
	}
	return file, nil
})

// eachOctopus runs test in parallel against a process of its own for both runtimes.
func eachOctopus(t *testing.T, test func(t *testing.T, o *octopus)) {
	t.Parallel()
	if *reference {
		t.Skip("the example has no such runtime")
	}
	for _, runtime := range []string{"std", "loop"} {
		t.Run(runtime, func(t *testing.T) {
			t.Parallel()
			test(t, startOctopus(t, runtime))
		})
	}
}

// startOctopus runs the example until the test ends. It must end well, and log no panic.
func startOctopus(t *testing.T, runtime string) *octopus {
	t.Helper()
	binary, err := octopusBinary()
	assert.NoError(t, err)
	o := new(octopus)
	cmd := exec.Command(binary, "-runtime", runtime, "-listen", "http://127.0.0.1:0", "-drain", "1s")
	cmd.Stderr, cmd.WaitDelay = &o.log, stopLimit
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	stdout, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	found, quiet := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(quiet)
		readBanner(stdout, found)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(stopLimit, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		<-quiet // before Wait, which closes the pipe
		o.judge(t, cmd.Wait())
	})
	select {
	case o.base = <-found:
	case <-time.After(startLimit):
	}
	if o.base == "" {
		t.Fatalf("the example has not said what it listens on:\n%s", tail(o.log.String()))
	}
	return o
}

// readBanner sends the address of the banner when all of that is there, "" if there
// is none, and reads on to the end.
func readBanner(out io.Reader, found chan<- string) {
	base := ""
	address := regexp.MustCompile(`^  (http://\S+)   `)
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C drains") {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			base = m[1]
		}
	}
	found <- base
	_, _ = io.Copy(io.Discard, out)
}

func (o *octopus) judge(t *testing.T, ended error) {
	t.Helper()
	if ended != nil {
		t.Errorf("the example ended: %v", ended)
	}
	log := o.log.String()
	for _, bad := range []string{"panic", "DATA RACE"} {
		if at := strings.Index(log, bad); at >= 0 {
			t.Errorf("%s in the log of the example:\n%.4000s", bad, log[at:])
		}
	}
	if t.Failed() {
		t.Logf("the end of the example's log:\n%s", tail(log))
	}
}

// get returns what the example has at path.
func (o *octopus) get(t *testing.T, path string) []byte {
	t.Helper()
	resp, err := http.Get(o.base + path)
	assert.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, http.StatusOK, path)
	return body
}

// installed is the path of what tools/install.sh puts below tools, or skips the test;
// in CI it must be there.
func installed(t *testing.T, path string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("tools", path))
	assert.NoError(t, err)
	if _, err := os.Stat(file); err != nil {
		const advice = "%s is needed, tools/install.sh installs it: %v"
		if os.Getenv("CI") == "true" {
			t.Fatalf(advice, path, err)
		}
		t.Skipf(advice, path, err)
	}
	return file
}
