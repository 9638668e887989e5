//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

const patience = 30 * time.Second

// mainEnv makes this test binary the example.
const mainEnv = "TAKO_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A client that asks all the time is answered by one process after the other.
func TestHandover(t *testing.T) {
	exe, err := os.Executable()
	assert.NoError(t, err)
	cmd := exec.Command(exe, "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), mainEnv+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, logEnd, err := os.Pipe()
	assert.NoError(t, err)
	cmd.Stderr = logEnd
	assert.NoError(t, cmd.Start())
	_ = logEnd.Close()
	lines, gone := make(chan string, 1000), make(chan struct{})
	go func() {
		defer close(gone)
		defer log.Close()
		for in := bufio.NewScanner(log); in.Scan(); {
			lines <- in.Text()
		}
	}()
	t.Cleanup(func() {
		select {
		case <-gone:
		default:
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-gone
		}
	})
	addr := address(t, lines)
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	process := func() int {
		res, err := client.Get("http://" + addr + "/")
		assert.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		assert.NoError(t, err)
		words := regexp.MustCompile(`^process (\d+), up \d+s\n$`).FindStringSubmatch(string(text))
		assert.Equal(t, len(words), 2, string(text))
		pid, err := strconv.Atoi(words[1])
		assert.NoError(t, err)
		return pid
	}
	pid := process()
	assert.Equal(t, pid, cmd.Process.Pid)
	for range 2 {
		assert.NoError(t, syscall.Kill(pid, syscall.SIGUSR2))
		next := pid
		assert.Eventually(t, patience, "another process", func() bool {
			next = process()
			return next != pid
		})
		pid = next
	}
	assert.NoError(t, cmd.Wait(), "the first process")
	assert.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("a process is left")
	}
}

// address is that of which a process logs that it listens.
func address(t *testing.T, lines <-chan string) string {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case line := <-lines:
			if found := regexp.MustCompile(`on (127\.0\.0\.1:\d+)`).FindStringSubmatch(line); found != nil {
				return found[1]
			}
		case <-late:
			t.Fatal("it does not listen")
		}
	}
}
