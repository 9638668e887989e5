//go:build unix

package tako_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/netpoll"
)

// patience bounds everything a test waits for, on a busy machine too.
const patience = 40 * time.Second

// line is one of the log that all processes of a program share.
type line struct {
	Msg     string        `json:"msg"`
	Self    int           `json:"self"`
	Child   int           `json:"child"`
	Code    int           `json:"code"`
	Delay   time.Duration `json:"delay"`
	Addr    string        `json:"addr"`
	IsChild bool          `json:"isChild"`
	text    string
}

// running is a program under test.
type running struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  bytes.Buffer
	gone chan struct{} // closed when no process is left that could log

	mu    sync.Mutex
	lines []line
}

// run starts the program in a process group of its own, with more files open.
func run(t *testing.T, p program, files ...*os.File) *running {
	t.Helper()
	text, err := json.Marshal(p)
	assert.NoError(t, err)
	exe, err := os.Executable()
	assert.NoError(t, err)
	r := &running{t: t, cmd: exec.Command(exe), gone: make(chan struct{})}
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "GOMAXPROCS=") })
	// The race detector would have each process sleep a second at its end.
	r.cmd.Env = append(env, programEnv+"="+string(text), "GORACE="+os.Getenv("GORACE")+" atexit_sleep_ms=0")
	r.cmd.ExtraFiles = files
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, logEnd, err := os.Pipe()
	assert.NoError(t, err)
	stdout, outEnd, err := os.Pipe()
	assert.NoError(t, err)
	r.cmd.Stderr, r.cmd.Stdout = logEnd, outEnd
	assert.NoError(t, r.cmd.Start())
	_, _ = logEnd.Close(), outEnd.Close()
	go func() {
		defer close(r.gone)
		defer stderr.Close()
		defer stdout.Close()
		r.read(stderr)
		_, _ = io.Copy(&r.out, stdout)
	}()
	t.Cleanup(r.clean)
	return r
}

func (r *running) read(stderr io.Reader) {
	for in := bufio.NewScanner(stderr); in.Scan(); {
		l := line{text: in.Text()}
		_ = json.Unmarshal(in.Bytes(), &l)
		r.mu.Lock()
		r.lines = append(r.lines, l)
		r.mu.Unlock()
	}
}

// clean leaves no process behind, and complains if there was one.
func (r *running) clean() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	select {
	case <-r.gone:
	case <-time.After(patience):
		r.t.Error("children outlive their parent")
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		<-r.gone
	}
	if r.t.Failed() {
		for _, l := range r.lines {
			r.t.Log(l.text)
		}
	}
}

// log returns the lines with a message.
func (r *running) log(msg string) (found []line) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.lines {
		if l.Msg == msg {
			found = append(found, l)
		}
	}
	return found
}

// await returns the first n lines with a message when they are there.
func (r *running) await(n int, msg string) []line {
	r.t.Helper()
	assert.Eventually(r.t, patience, fmt.Sprintf("%d times %q", n, msg), func() bool { return len(r.log(msg)) >= n })
	return r.log(msg)[:n]
}

const (
	isUp     = "process is up"
	another  = "process ended, starting another"
	draining = "draining"
)

// up waits for n processes and returns their ids.
func (r *running) up(n int) (pids []int) {
	r.t.Helper()
	for _, l := range r.await(n, isUp) {
		pids = append(pids, l.Child)
	}
	return pids
}

func (r *running) addr() string { return r.await(1, "address")[0].Addr }

func (r *running) signal(sig syscall.Signal) {
	r.t.Helper()
	assert.NoError(r.t, r.cmd.Process.Signal(sig))
}

// wait waits until no process is left.
func (r *running) wait(code int) {
	r.t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.cmd.Wait()
		<-r.gone
	}()
	select {
	case <-ended:
	case <-time.After(patience):
		r.t.Fatal("the program does not end")
	}
	assert.Equal(r.t, r.cmd.ProcessState.ExitCode(), code, "exit code")
}

// end waits until the program has ended and returns what it printed.
func (r *running) end(code int) (res outcome) {
	r.t.Helper()
	r.wait(code)
	if err := json.Unmarshal(r.out.Bytes(), &res); err != nil {
		r.t.Errorf("got output %q: %v", r.out.String(), err)
	}
	return res
}

// dialled is a connection with one request on it.
type dialled struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

// ask sends a request for path.
func (r *running) ask(path string) *dialled {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr())
	assert.NoError(r.t, err)
	r.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err = io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a.example\r\n\r\n")
	assert.NoError(r.t, err)
	return &dialled{r.t, c, bufio.NewReader(c)}
}

// about reads the answer to a request for /about.
func (d *dialled) about() (a about) {
	d.t.Helper()
	res, err := http.ReadResponse(d.in, nil)
	assert.NoError(d.t, err)
	assert.NoError(d.t, json.NewDecoder(res.Body).Decode(&a))
	_, err = io.Copy(io.Discard, res.Body)
	assert.NoError(d.t, err)
	return a
}

// held returns a reader of the answer to a request that a handler has begun, and
// the process it runs in.
func (d *dialled) held() (body *bufio.Reader, pid int) {
	d.t.Helper()
	res, err := http.ReadResponse(d.in, nil)
	assert.NoError(d.t, err)
	body = bufio.NewReader(res.Body)
	text, err := body.ReadString('\n')
	assert.NoError(d.t, err)
	pid, err = strconv.Atoi(strings.TrimSpace(text))
	assert.NoError(d.t, err)
	return body, pid
}

func sorted(pids []int) []int { return slices.Sorted(slices.Values(pids)) }

// dead reports whether nothing is left of a process, also no zombie.
func dead(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestPreforkSharesSockets(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 3, Conns: 1})
	pids := r.up(3)
	var served []int
	for range 3 { // each takes one connection only
		a := r.ask("/about").about()
		served = append(served, a.Pid)
		assert.Equal(t, a, about{Pid: a.Pid, Procs: a.Procs, Listens: 1}, "process")
		assert.Equal(t, a.Procs <= (runtime.NumCPU()+2)/3, true, "share of GOMAXPROCS")
	}
	assert.Equal(t, sorted(served), sorted(pids), "processes that serve")
	assert.Equal(t, slices.Contains(served, r.cmd.Process.Pid), false, "the parent serves")
	assert.Equal(t, len(r.log("address")), 1, "calls of OnListen")
	r.signal(syscall.SIGTERM)
	res := r.end(0)
	assert.Equal(t, res.Report.Idle+res.Report.Drained, 3, "connections")
	assert.Equal(t, res.Report.Cut, 0, "cut")
	assert.Equal(t, res.Error, "")
	for _, pid := range pids {
		assert.Equal(t, dead(pid), true, "dead")
	}
}

// What waits in the accept queue of a process that dies is served by the next.
func TestPreforkKeepsTheAcceptQueue(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 1, Conns: 1})
	pid := r.up(1)[0]
	r.ask("/stuck").held() // it accepts no other
	var waiting []*dialled
	for range 20 {
		waiting = append(waiting, r.ask("/about"))
	}
	assert.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	next := r.up(2)[1]
	for _, d := range waiting {
		assert.Equal(t, d.about().Pid, next, "process")
		assert.NoError(t, d.c.Close())
	}
	assert.Equal(t, dead(pid), true, "reaped")
	ended := r.await(1, another)[0]
	assert.Equal(t, line{Child: ended.Child, Code: ended.Code, Delay: ended.Delay}, line{Child: pid, Code: -1, Delay: 100 * time.Millisecond})
	r.signal(syscall.SIGTERM)
	r.end(0)
}

// New connections never fail while a process is killed and started again.
func TestPreforkKilledUnderLoad(t *testing.T) {
	for _, poller := range []string{"", netpoll.Epoll, netpoll.Auto} {
		t.Run("loop/"+poller, func(t *testing.T) {
			t.Parallel()
			killUnderLoad(t, program{Procs: 2, Loop: poller})
		})
	}
}

func killUnderLoad(t *testing.T, p program) {
	r := run(t, p)
	pids, addr := r.up(2), r.addr()
	type request struct {
		began time.Time
		err   error
	}
	var mu sync.Mutex
	var all []request
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(all)
	}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
			for {
				select {
				case <-stop:
					return
				default:
				}
				req := request{began: time.Now()}
				res, err := client.Get("http://" + addr + "/about")
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
				req.err = err
				mu.Lock()
				all = append(all, req)
				mu.Unlock()
			}
		})
	}
	more := func(n int) {
		before := count()
		assert.Eventually(t, patience, "requests", func() bool { return count() >= before+n })
	}
	more(100)
	assert.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	assert.Eventually(t, patience, "death", func() bool { return dead(pids[0]) })
	died := time.Now()
	more(100)
	next := r.up(3)[2]
	more(200)
	close(stop)
	clients.Wait()
	failed := 0
	for _, req := range all {
		if req.err != nil && req.began.After(died) {
			t.Errorf("%v after the death: %v", req.began.Sub(died), req.err)
		} else if req.err != nil {
			failed++
		}
	}
	t.Logf("%d requests, %d of them in flight in the process", len(all), failed)
	assert.Equal(t, failed <= 4, true, "no more failed than were in flight")
	assert.Equal(t, slices.Contains(pids, next), false, "the same process")
	r.signal(syscall.SIGTERM)
	assert.Equal(t, r.end(0).Error, "")
}

func TestPreforkGivesUp(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 3, Crash: true, MinBackoff: 10 * time.Millisecond, MaxBackoff: time.Minute})
	res := r.end(1)
	assert.Contains(t, res.Error, "no process came up in 5 starts")
	assert.Contains(t, res.Error, "exit status 3")
	var delays []time.Duration
	for _, l := range r.log(another) {
		delays = append(delays, l.Delay/time.Millisecond)
		assert.Equal(t, l.Code, 3)
	}
	assert.Equal(t, delays, []time.Duration{10, 20, 40, 80})
	assert.Equal(t, len(r.log("begin")), 1+5, "processes")
}

// Once a process was up it goes on for ever, ever slower.
func TestPreforkBacksOff(t *testing.T) {
	t.Parallel()
	r := run(t, program{Procs: 1, Fail: true, MinBackoff: 10 * time.Millisecond, MaxBackoff: time.Minute})
	var delays []time.Duration
	for _, l := range r.await(6, another) {
		delays = append(delays, l.Delay/time.Millisecond)
		assert.Equal(t, l.Code, 1)
		assert.Contains(t, l.text, "broken")
	}
	assert.Equal(t, delays, []time.Duration{10, 20, 40, 80, 160, 320})
	r.signal(syscall.SIGTERM)
	r.end(0)
}

// A process that has lived for a while begins with the shortest delay again.
func TestPreforkBackoffBeginsAnew(t *testing.T) {
	t.Parallel()
	const long = 300 * time.Millisecond
	r := run(t, program{Procs: 1, MinBackoff: 10 * time.Millisecond, MaxBackoff: long})
	for n := range 3 {
		pid := r.up(n + 1)[n]
		up := time.Now()
		assert.Eventually(t, patience, "long life", func() bool { return time.Since(up) > long })
		assert.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		assert.Equal(t, r.await(n+1, another)[n].Delay, 10*time.Millisecond, "delay")
	}
	r.up(4)
	r.signal(syscall.SIGTERM)
	r.end(0)
}

func TestPreforkListenError(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer ln.Close()
	r := run(t, program{Addr: ln.Addr().String()})
	assert.Contains(t, r.end(1).Error, "address already in use")
	assert.Equal(t, len(r.log("begin")), 1, "processes")
}

// The file of a unix socket stays until the end.
func TestPreforkSeveralServers(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "tako") // t.TempDir may be too long for a socket
	assert.NoError(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	r := run(t, program{Procs: 2, Unix: path})
	r.up(2)
	ask := func() about {
		c, err := net.Dial("unix", path)
		assert.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "GET /about HTTP/1.1\r\nHost: a.example\r\n\r\n")
		assert.NoError(t, err)
		return (&dialled{t, c, bufio.NewReader(c)}).about()
	}
	a := ask()
	assert.Equal(t, a, about{Pid: a.Pid, Procs: a.Procs, Listens: 2}, "process")
	assert.NoError(t, syscall.Kill(a.Pid, syscall.SIGKILL))
	r.up(3)
	ask()
	r.signal(syscall.SIGTERM)
	r.end(0)
	_, err = os.Stat(path)
	assert.ErrorIs(t, err, os.ErrNotExist)
}
