package h3_test

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// line is what a process has logged.
type line struct {
	Msg    string
	Self   int
	Pid    int
	Addr   string
	Err    string
	Ending ending
	text   string
}

// processes are a program and those that follow it.
type processes struct {
	tako.Server // none: it stands for its address
	t           *testing.T
	path        string // of the executable
	cmd         *exec.Cmd
	gone        chan struct{} // closed when no process is left
	reaped      chan struct{} // closed when the first one has ended
	addr        *net.UDPAddr

	mu    sync.Mutex
	lines []line
}

// Addr is where all of them listen, one after the other.
func (p *processes) Addr() net.Addr { return p.addr }

// begin starts the first process, from a file of its own that a test may replace.
func begin(t *testing.T, prog program) *processes {
	t.Helper()
	prog.Cert, prog.Key = pemPair(t)
	text, err := json.Marshal(prog)
	assert.NoError(t, err)
	p := &processes{t: t, path: filepath.Join(t.TempDir(), "program"), gone: make(chan struct{}), reaped: make(chan struct{})}
	p.restore()
	out, end, err := os.Pipe()
	assert.NoError(t, err)
	p.cmd = exec.Command(p.path)
	// The collector would close files that were forgotten.
	p.cmd.Env = append(os.Environ(), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0", "GOGC=off", programEnv+"="+string(text))
	p.cmd.Stderr = end
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	assert.NoError(t, p.cmd.Start())
	_ = end.Close()
	go p.read(out)
	go func() {
		defer close(p.reaped)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(p.clean)
	p.addr, err = net.ResolveUDPAddr("udp", p.await(1, "address")[0].Addr)
	assert.NoError(t, err)
	return p
}

func (p *processes) read(out *os.File) {
	defer close(p.gone)
	defer out.Close()
	for in := bufio.NewScanner(out); in.Scan(); {
		l := line{text: in.Text()}
		_ = json.Unmarshal(in.Bytes(), &l)
		p.mu.Lock()
		p.lines = append(p.lines, l)
		p.mu.Unlock()
	}
}

// clean leaves no process behind.
func (p *processes) clean() {
	select {
	case <-p.gone:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.gone
	}
	<-p.reaped
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if p.t.Failed() {
			p.t.Log(l.text)
		}
	}
}

// log returns the lines with a message.
func (p *processes) log(msg string) (some []line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if l.Msg == msg {
			some = append(some, l)
		}
	}
	return some
}

// await waits for n lines with a message.
func (p *processes) await(n int, msg string) (some []line) {
	p.t.Helper()
	assert.Eventually(p.t, patience, fmt.Sprintf("%d times %q", n, msg), func() bool {
		some = p.log(msg)
		return len(some) >= n
	})
	return some
}

// handsOver has a process hand over, the nth of all, and returns the next one.
func (p *processes) handsOver(pid, n int) int {
	p.t.Helper()
	assert.NoError(p.t, syscall.Kill(pid, syscall.SIGUSR2))
	l := p.await(n, "handed over")[n-1]
	assert.Equal(p.t, l.Self, pid, "who hands over")
	return l.Pid
}

// ends waits until a process has ended as it should.
func (p *processes) ends(pid int) (last ending) {
	p.t.Helper()
	assert.Eventually(p.t, patience, fmt.Sprintf("end of %d", pid), func() bool {
		for _, l := range p.log("end") {
			if l.Self == pid {
				last = l.Ending
				return true
			}
		}
		return false
	})
	assert.Equal(p.t, last.Error, "", "error of a process")
	assert.Equal(p.t, last.Report.Cut, 0, "connections cut")
	if pid == p.cmd.Process.Pid {
		assert.Equal(p.t, p.reap(), 0, "exit code")
	}
	return last
}

// reap waits for the first process.
func (p *processes) reap() (code int) {
	p.t.Helper()
	select {
	case <-p.reaped:
	case <-time.After(patience):
		p.t.Fatal("the first process does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop ends the last process, and waits until nobody is left.
func (p *processes) stop(pid int) (last ending) {
	p.t.Helper()
	assert.NoError(p.t, syscall.Kill(pid, syscall.SIGTERM))
	last = p.ends(pid)
	select {
	case <-p.gone:
	case <-time.After(patience):
		p.t.Fatal("a process is left")
	}
	return last
}

// replace puts a script in the place of the executable.
func (p *processes) replace(script string) {
	p.t.Helper()
	syscall.ForkLock.RLock()
	err := os.WriteFile(p.path+".next", []byte("#!/bin/sh\n"+script+"\n"), 0o700)
	syscall.ForkLock.RUnlock()
	assert.NoError(p.t, err)
	assert.NoError(p.t, os.Rename(p.path+".next", p.path))
}

// restore puts the executable there.
func (p *processes) restore() {
	p.t.Helper()
	_ = os.Remove(p.path)
	exe, err := os.Executable()
	assert.NoError(p.t, err)
	assert.NoError(p.t, os.Symlink(exe, p.path))
}

// look asks a process about itself, on a connection of its own.
func (p *processes) look() seen {
	p.t.Helper()
	c := newClient(p.t, p)
	defer c.Close()
	s, err := fetch(c, c.request(p.t, "GET", "/?look=1", nil))
	assert.NoError(p.t, err)
	return s
}

// fetch makes a request that a program answers.
func fetch(via http.RoundTripper, req *http.Request) (s seen, err error) {
	resp, err := via.RoundTrip(req)
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return s, err
	}
	if resp.StatusCode != 200 {
		return s, fmt.Errorf("status %d: %s", resp.StatusCode, text)
	}
	return s, json.Unmarshal(text, &s)
}

// pemPair is the certificate that clients trust, and its key.
func pemPair(t *testing.T) (cert, key []byte) {
	t.Helper()
	pair := tlsPair(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	assert.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
