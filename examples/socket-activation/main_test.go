//go:build unix

package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

const serveEnv = "EXAMPLE_SERVES"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	assert.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	return string(body)
}

func TestByItself(t *testing.T) {
	server := std.New(app(), std.Config{Listen: socket("web", "127.0.0.1:0")})
	takotest.Run(t, server)
	assert.Equal(t, get(t, "http://"+server.Addr().String()), "hello from "+server.Addr().String()+"\n")
}

// The tool of systemd listens, and starts the program with its first client.
func TestActivated(t *testing.T) {
	tool, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Skip("systemd-socket-activate is not installed")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	addr := free.Addr().String()
	assert.NoError(t, free.Close())
	self, err := os.Executable()
	assert.NoError(t, err)
	cmd := exec.Command(tool, "-l", addr, "--fdname=web", "-E", serveEnv+"=1", self, "-addr", "127.0.0.1:1")
	log, err := cmd.StderrPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	lines := bufio.NewScanner(log)
	for lines.Scan() && !strings.Contains(lines.Text(), "Listening on") {
	}
	go io.Copy(io.Discard, log)
	assert.Equal(t, get(t, "http://"+addr), "hello from "+addr+"\n")
	assert.NoError(t, cmd.Process.Signal(syscall.SIGTERM)) // it has become the program
	assert.NoError(t, cmd.Wait())
}
