package tako_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// told is what a process has told the service manager.
type told struct {
	pid  int
	text string
}

// manager is the socket of a service manager.
type manager struct {
	t    *testing.T
	conn *net.UnixConn

	mu  sync.Mutex
	all []told
}

// manage listens for what processes tell, at a path or at an abstract name.
func manage(t *testing.T, name string) *manager {
	t.Helper()
	if rest, ok := strings.CutPrefix(name, "@"); ok {
		name = "\x00" + rest
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	assert.NoError(t, err)
	raw, err := conn.SyscallConn()
	assert.NoError(t, err)
	assert.NoError(t, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	}))
	assert.NoError(t, err)
	m := &manager{t: t, conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.read()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return m
}

func (m *manager) read() {
	text, extra := make([]byte, 4096), make([]byte, 256)
	for {
		n, more, _, _, err := m.conn.ReadMsgUnix(text, extra)
		if err != nil {
			return
		}
		sender := 0
		if all, err := unix.ParseSocketControlMessage(extra[:more]); err == nil && len(all) > 0 {
			if cred, err := unix.ParseUnixCredentials(&all[0]); err == nil {
				sender = int(cred.Pid)
			}
		}
		m.mu.Lock()
		m.all = append(m.all, told{sender, string(text[:n])})
		m.mu.Unlock()
	}
}

// heard returns all that was told, but for the watchdog.
func (m *manager) heard() (all []told) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.all {
		if s.text != "WATCHDOG=1" {
			all = append(all, s)
		}
	}
	return all
}

// watched counts what was told for the watchdog.
func (m *manager) watched() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, s := range m.all {
		if s.text == "WATCHDOG=1" {
			n++
		}
	}
	return n
}

// by counts what a process has told.
func (m *manager) by(pid int) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.all {
		if s.pid == pid {
			n++
		}
	}
	return n
}

// await waits until n messages were heard and returns them.
func (m *manager) await(n int) []told {
	m.t.Helper()
	assert.Eventually(m.t, patience, fmt.Sprintf("%d messages", n), func() bool { return len(m.heard()) >= n })
	return m.heard()
}

// settle waits until all was read that has been told.
func (m *manager) settle() {
	m.t.Helper()
	before := m.by(os.Getpid())
	to, err := net.DialUnix("unixgram", nil, m.conn.LocalAddr().(*net.UnixAddr))
	assert.NoError(m.t, err)
	defer to.Close()
	_, err = io.WriteString(to, "WATCHDOG=1")
	assert.NoError(m.t, err)
	assert.Eventually(m.t, patience, "what was told is read", func() bool { return m.by(os.Getpid()) > before })
}

// places are a path and an abstract name, which no other test has.
func places(t *testing.T) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tako") // t.TempDir may be too long for a socket
	assert.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return []string{filepath.Join(dir, "notify"), "@" + filepath.Base(dir)}
}

// serving runs servers in this process until the function that it returns is called.
func serving(t *testing.T, runner tako.Runner, servers ...tako.Server) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := runner.Run(ctx, servers...)
		ended <- err
	}()
	return func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			assert.NoError(t, err)
		case <-time.After(patience):
			t.Fatal("Run does not return")
		}
	}
}

// The service manager is told when all servers serve, reload and stop.
func TestNotify(t *testing.T) {
	for _, place := range places(t) {
		m := manage(t, place)
		t.Setenv("NOTIFY_SOCKET", place)
		d := new(diary)
		s := &reloading{fakeServer: newFake(d, "a"), reloads: true, came: make(chan struct{}, 9)}
		pid := os.Getpid()
		runner := quietly
		runner.OnListen = func() { assert.Equal(t, len(m.heard()), 0, "told before they serve") }
		stop := serving(t, runner, s, newFake(d, "b"))
		assert.Equal(t, m.await(1), []told{{pid, "READY=1"}})
		assert.Contains(t, d.String(), "a listens, b listens")
		before := monotonic(t)
		assert.NoError(t, syscall.Kill(pid, syscall.SIGHUP))
		all := m.await(3)
		assert.Equal(t, all[2], told{pid, "READY=1"})
		reload, at, _ := strings.Cut(all[1].text, "\nMONOTONIC_USEC=")
		assert.Equal(t, reload, "RELOADING=1")
		usec, err := strconv.ParseInt(at, 10, 64)
		assert.NoError(t, err, "MONOTONIC_USEC")
		assert.Equal(t, usec >= before && usec <= monotonic(t), true, "time of the reload")
		assert.Equal(t, len(s.came), 1, "reloads")
		stop()
		assert.Equal(t, m.await(4)[3:], []told{{pid, "STOPPING=1"}})
		assert.Equal(t, m.watched(), 0, "watchdog messages")
	}
}

// monotonic is the clock by which systemd tells reloads apart, in microseconds.
func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	assert.NoError(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return now.Nano() / 1000
}

// Servers that do not start are neither ready nor stopping.
func TestNotifyNotStarted(t *testing.T) {
	place := places(t)[0]
	m := manage(t, place)
	t.Setenv("NOTIFY_SOCKET", place)
	broken := newFake(new(diary), "a")
	broken.listenErr = errBroken
	_, err := quietly.Run(t.Context(), broken)
	assert.ErrorIs(t, err, errBroken)
	stop := serving(t, quietly, newFake(new(diary), "b"))
	stop()
	pid := os.Getpid()
	assert.Equal(t, m.await(2), []told{{pid, "READY=1"}, {pid, "STOPPING=1"}}, "of the second Run alone")
}

// The watchdog is told twice in its time, if it asks this process.
func TestNotifyWatchdog(t *testing.T) {
	place := places(t)[0]
	t.Setenv("NOTIFY_SOCKET", place)
	m := manage(t, place)
	const interval = 200 * time.Millisecond
	for _, tt := range []struct {
		usec, pid string
		tells     bool
	}{
		{"200000", "", true},
		{"200000", strconv.Itoa(os.Getpid()), true},
		{"200000", strconv.Itoa(os.Getppid()), false},
		{"", "", false},
		{"0", "", false},
		{"-5", "", false},
		{"soon", "", false},
		{"99999999999999999999", "", false},
	} {
		t.Setenv("WATCHDOG_USEC", tt.usec)
		t.Setenv("WATCHDOG_PID", tt.pid)
		m.mu.Lock()
		m.all = nil
		m.mu.Unlock()
		began := time.Now()
		stop := serving(t, quietly, newFake(new(diary), "a"))
		if tt.tells {
			assert.Eventually(t, patience, "four messages", func() bool { return m.watched() >= 4 })
			if took := time.Since(began); took < 3*interval/2 || took > 50*interval {
				t.Errorf("%+v: four messages in %v", tt, took)
			}
		}
		stop()
		m.await(2)
		assert.Equal(t, m.watched() > 0, tt.tells, "told")
	}
}

// A service manager that is not there is no reason to stop.
func TestNotifyNobody(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	log := new(lockedBuffer)
	runner := quietly
	runner.Log = slog.New(slog.NewTextHandler(log, nil))
	stop := serving(t, runner, newFake(new(diary), "a"))
	const says = "the service manager cannot be told"
	assert.Eventually(t, patience, "log", func() bool { return strings.Contains(log.String(), says) })
	stop()
	assert.Equal(t, strings.Count(log.String(), says), 2, "once for each state")
}

// After a hand-over the next process speaks, and the old one is silent.
func TestNotifyHandover(t *testing.T) {
	t.Parallel()
	for _, place := range places(t) {
		m := manage(t, place)
		r := crown(t, dynasty{}, "NOTIFY_SOCKET="+place, "WATCHDOG_USEC=20000")
		old := r.cmd.Process.Pid
		want := []told{{old, "READY=1"}}
		assert.Equal(t, m.await(1), want)
		pid := old
		for n := range 2 {
			drains, by := r.ask("/held").held()
			assert.Equal(t, by, pid, "who drains")
			next := r.succeeds(pid, n+1)
			want = append(want, told{pid, fmt.Sprint("MAINPID=", next)}, told{next, "READY=1"})
			r.await(n+1, draining)
			m.settle()
			before := m.by(pid)
			text, err := io.ReadAll(drains)
			assert.NoError(t, err)
			assert.Equal(t, string(text), "done")
			r.goesCleanly(pid)
			assert.Equal(t, m.await(len(want)), want)
			m.settle()
			if after := m.by(pid); after > before+10 { // of twenty
				t.Errorf("the old process has told %d things in its drain", after-before)
			}
			pid = next
		}
		assert.Eventually(t, patience, "the watchdog of the last one", func() bool {
			m.mu.Lock()
			defer m.mu.Unlock()
			return slices.Contains(m.all, told{pid, "WATCHDOG=1"})
		})
		r.abdicate(pid)
		want = append(want, told{pid, "STOPPING=1"})
		assert.Equal(t, m.await(len(want)), want)
	}
}

// Nothing is told of a process that does not come up.
func TestNotifyHandoverFails(t *testing.T) {
	t.Parallel()
	place := places(t)[0]
	m := manage(t, place)
	r := crown(t, dynasty{}, "NOTIFY_SOCKET="+place)
	old := r.cmd.Process.Pid
	r.replace(r.as(dynasty{Servers: 2}))
	r.kill(old, syscall.SIGUSR2)
	r.await(1, notHanded)
	r.abdicate(old)
	assert.Equal(t, m.await(2), []told{{old, "READY=1"}, {old, "STOPPING=1"}})
}

// Of several processes the parent speaks.
func TestNotifyPrefork(t *testing.T) {
	t.Parallel()
	place := places(t)[0]
	m := manage(t, place)
	r := crown(t, dynasty{Procs: 2}, "NOTIFY_SOCKET="+place, "WATCHDOG_USEC=100000")
	parent := r.cmd.Process.Pid
	assert.Equal(t, m.await(1), []told{{parent, "READY=1"}})
	child := r.up(2)[0]
	assert.NoError(t, syscall.Kill(child, syscall.SIGKILL))
	r.up(3)
	before := m.watched()
	assert.Eventually(t, patience, "the watchdog", func() bool { return m.watched() >= before+2 })
	r.abdicate(parent)
	assert.Equal(t, m.await(2), []told{{parent, "READY=1"}, {parent, "STOPPING=1"}})
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.all {
		assert.Equal(t, s.pid, parent, "who speaks")
	}
}
