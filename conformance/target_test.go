package conformance_test

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	// startLimit and stopLimit bound the life of a server around its test.
	startLimit = time.Minute
	stopLimit  = time.Minute
	// peerLimit bounds one thing that a client does.
	peerLimit = 60 * time.Second
)

var (
	reference = flag.Bool("reference", false, "test net/http in place of the runtimes: what fails then is wrong with the test")
	long      = flag.Bool("long", false, "load for longer, and build the server with the race detector")
)

// binary is the server, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	// The tests mostly wait, for one another's programs.
	_ = flag.Set("test.parallel", "12")
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "conformance")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "server")
		args := []string{"build", "-o", binary, "./server"}
		if *long {
			args = slices.Insert(args, 1, "-race")
		}
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the server: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// A target is one way to run the server.
type target struct {
	name string
	args []string
	tls  bool
}

// runtimes are the ways to run the server that do not say what it listens on.
func runtimes() []target {
	if *reference {
		return []target{{name: "nethttp", args: []string{"-runtime", "nethttp"}}}
	}
	all := []target{{name: "std", args: []string{"-runtime", "std"}}}
	if runtime.GOOS == "linux" {
		all = append(all, target{name: "loop_epoll", args: []string{"-runtime", "loop", "-poller", "epoll"}},
			target{name: "loop_io_uring", args: []string{"-runtime", "loop", "-poller", "io_uring"}})
	}
	return all
}

// with adds arguments of the server.
func (to target) with(args ...string) target {
	to.args = append(slices.Clip(to.args), args...)
	return to
}

func targets() []target {
	var all []target
	for _, to := range runtimes() {
		secure := to.with("-tls")
		secure.name, secure.tls = to.name+"/tls", true
		to.name += "/h2c"
		all = append(all, to, secure)
	}
	return all
}

// eachRuntime runs test in parallel for every runtime of ours.
func eachRuntime(t *testing.T, test func(t *testing.T, to target)) {
	t.Parallel()
	if *reference {
		t.Skip("net/http has nothing of it")
	}
	for _, to := range runtimes() {
		t.Run(to.name, func(t *testing.T) {
			t.Parallel()
			test(t, to)
		})
	}
}

// each runs test in parallel against a server of its own for every target that wanted,
// which may be nil, accepts.
func each(t *testing.T, wanted func(target) bool, test func(t *testing.T, s *server)) {
	t.Parallel()
	for _, to := range targets() {
		if wanted != nil && !wanted(to) {
			continue
		}
		t.Run(to.name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, to))
		})
	}
}

func overTLS(to target) bool { return to.tls }

func inClear(to target) bool { return !to.tls }

// url is where the server answers path.
func (s *server) url(path string) string {
	if s.tls {
		return "https://localhost:" + s.port + path
	}
	return "http://localhost:" + s.port + path
}

// insecureTLS accepts the server's certificate, which is made anew each time.
func insecureTLS() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}, ServerName: "localhost"}
}

// ask gets path with a client that is not under test.
func (s *server) ask(t *testing.T, path string) string {
	t.Helper()
	client := &http.Client{Timeout: peerLimit, Transport: &http.Transport{TLSClientConfig: insecureTLS(), DisableKeepAlives: true}}
	client.Transport.(*http.Transport).TLSClientConfig.NextProtos = nil
	resp, err := client.Get(s.url(path))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// tool finds a program, or skips the test; in CI it must be there.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath(filepath.Join(gopath(), "bin", name))
	}
	if err != nil {
		path, err = exec.LookPath(filepath.Join("/usr/sbin", name))
	}
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is needed: %v", name, err)
	default:
		t.Skipf("%s is needed: %v", name, err)
	}
	return ""
}

func gopath() string {
	out, err := exec.Command("go", "env", "GOPATH").Output()
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), string(os.PathListSeparator))
	return first
}

// output runs a program to its end, which must be a good one.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := command(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return out
}

// command runs a program to its end, and returns all it wrote.
func command(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}
