//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package unixsock_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/unixsock"
)

// patience is ten times and more what anything here takes.
const patience = 30 * time.Second

// childEnv makes this test binary a child; it holds what that does, and a path.
const childEnv = "TAKO_TEST_UNIXSOCK"

func TestMain(m *testing.M) {
	if what, path, ok := strings.Cut(os.Getenv(childEnv), " "); ok {
		os.Exit(child(what, path))
	}
	os.Exit(m.Run())
}

// child takes an order from each line of stdin, answers each with a line, and ends with stdin.
func child(what, path string) int {
	orders := bufio.NewScanner(os.Stdin)
	var ln *unixsock.Listener
	for orders.Scan() {
		var err error
		switch {
		case orders.Text() == "close":
			err = ln.Close()
		case what == "bind":
			ln, err = unixsock.Listen(context(), path, unixsock.Config{})
		case what == "adopt":
			ln, err = adopt()
		}
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			fmt.Println("in use")
		case err != nil:
			fmt.Println(err)
		default:
			fmt.Println("ok")
		}
	}
	return 0 // without closing, as a crash
}

func adopt() (*unixsock.Listener, error) {
	file := os.NewFile(3, "inherited")
	defer file.Close()
	ln, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	return unixsock.Adopt(ln.(*net.UnixListener)), nil
}

// A process is a child as its parent sees it.
type process struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
}

func start(t *testing.T, what, path string, files ...*os.File) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+what+" "+path)
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	orders, err := cmd.StdinPipe()
	assert.NoError(t, err)
	answers, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	p := &process{cmd, orders, bufio.NewScanner(answers)}
	t.Cleanup(p.end)
	return p
}

func (p *process) order(t *testing.T, text string) {
	t.Helper()
	_, err := io.WriteString(p.orders, text+"\n")
	assert.NoError(t, err)
}

func (p *process) answer(t *testing.T) string {
	t.Helper()
	if !p.answers.Scan() {
		t.Fatalf("the child has ended: %v", p.answers.Err())
	}
	return p.answers.Text()
}

// end lets the child end without closing anything. It may be called twice.
func (p *process) end() {
	_ = p.orders.Close()
	_ = p.cmd.Wait()
}
