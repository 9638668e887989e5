package loop_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// inProcess runs the test in a process of its own, where nothing else opens
// descriptors or starts goroutines. It reports whether this is that process.
func inProcess(t *testing.T) bool {
	t.Helper()
	const name = "TAKO_TEST_ALONE"
	if os.Getenv(name) == t.Name() {
		return true
	}
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60s")
	cmd.Env = append(os.Environ(), name+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("got %v:\n%s", err, out)
	}
	return false
}

func openFiles(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	assert.NoError(t, err)
	return len(all)
}

// links tells what the open descriptors are.
func links(t *testing.T) (all []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	assert.NoError(t, err)
	for _, e := range entries {
		to, _ := os.Readlink("/proc/self/fd/" + e.Name())
		all = append(all, e.Name()+" "+to)
	}
	return all
}

// Servers that start and stop leave nothing behind.
func TestSocketsStartStop(t *testing.T) {
	if !inProcess(t) {
		return
	}
	for _, w := range everyWay {
		t.Run(w.name, func(t *testing.T) {
			w.need(t)
			round := func(i int) {
				app := summing(w)
				app.Get("/stuck", func(c *tako.Context) error { <-c.Context().Done(); return nil }, w.opts...)
				app.Get("/take", func(c *tako.Context) error {
					conn, _, err := c.Hijack()
					if err != nil {
						return err
					}
					_, _ = io.WriteString(conn, switched)
					go func() {
						defer conn.Close()
						_, _ = io.Copy(io.Discard, conn)
					}()
					return nil
				}, w.opts...)
				s := w.made(t, app, loop.Config{Limits: tako.Limits{Conns: 6, ConnsPerAddr: tako.NoLimit}})
				if i%10 == 0 {
					_, _ = s.Shutdown(t.Context())
				}
				if s.Listen(t.Context()) != nil {
					return
				}
				if i%10 == 1 {
					_, _ = s.Shutdown(t.Context())
					return
				}
				served := make(chan error, 1)
				go func() { served <- s.Serve() }()
				var all []net.Conn
				open := func(text string) {
					c, err := net.Dial("tcp", s.Addr().String())
					assert.NoError(t, err)
					_, _ = io.WriteString(c, text)
					all = append(all, c)
				}
				ctx := t.Context()
				open(asking("/"))
				open(posting("/sum", "Content-Length: 3", "ab"))
				open("GET / HT")
				if i%3 == 0 {
					open(asking("/stuck"))
					open(asking("/take"))
					ctx = overContext()
				}
				if i%7 == 0 {
					for range 8 {
						open(asking("/"))
					}
					ctx = overContext()
				}
				if i%2 == 0 {
					buf := make([]byte, 1)
					_ = all[0].SetReadDeadline(time.Now().Add(enough))
					_, _ = all[0].Read(buf)
				}
				if ctx == t.Context() {
					for _, c := range all {
						_ = c.Close()
					}
				}
				_, _ = s.Shutdown(ctx)
				assert.NoError(t, <-served)
				for _, c := range all {
					_ = c.Close()
				}
			}
			for i := range 10 { // whatever the process needs once
				round(i)
			}
			runtime.GC()
			time.AfterFunc(0, func() {})
			var files, goroutines int
			settle := func() {
				assert.Eventually(t, enough, "streams are not watched any more", func() bool {
					var b strings.Builder
					_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
					return !strings.Contains(b.String(), "runtime/loop.(")
				})
			}
			settle()
			files, goroutines = openFiles(t), runtime.NumGoroutine()
			rounds := 50
			if testing.Short() {
				rounds = 20
			}
			for i := range rounds {
				round(i)
			}
			settle()
			limit := time.Now().Add(enough / 4)
			for openFiles(t) > files || runtime.NumGoroutine() > goroutines {
				pass(t, 10*time.Millisecond)
				if time.Now().After(limit) {
					var b strings.Builder
					_ = pprof.Lookup("goroutine").WriteTo(&b, 1)
					t.Fatalf("%d descriptors more: %v; %d goroutines more: %s", openFiles(t)-files, links(t), runtime.NumGoroutine()-goroutines, b.String())
				}
			}
		})
	}
}

// Without descriptors the server waits, and serves again once there are some.
func TestSocketsNoDescriptors(t *testing.T) {
	if !inProcess(t) {
		return
	}
	for _, w := range everyWay {
		t.Run(w.name, func(t *testing.T) {
			w.need(t)
			s := w.limited(t, summing(w), tako.Limits{})
			kept := reach(t, s)
			kept.send(asking("/"))
			kept.answer(200)
			var clients []*caller
			for range 4 { // their descriptors are needed before there are none
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				assert.NoError(t, err)
				f := os.NewFile(uintptr(fd), "client")
				defer f.Close()
				port := s.Addr().(*net.TCPAddr).Port
				var old unix.Rlimit
				assert.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
				none := old
				none.Cur = uint64(fd + 1)
				assert.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
				before := s.Stats().AcceptErrors
				assert.NoError(t, unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}))
				_, err = unix.Write(fd, []byte(asking("/")))
				assert.NoError(t, err)
				fill(t)
				assert.Eventually(t, enough, "accepting fails", func() bool { return s.Stats().AcceptErrors > before || s.Stats().Accepted > 1+int64(len(clients)) })
				kept.send(asking("/"))
				assert.Equal(t, kept.answer(200), "hello", "meanwhile")
				assert.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
				nc, err := net.FileConn(f)
				assert.NoError(t, err)
				c := &caller{Conn: nc, t: t}
				clients = append(clients, c)
				buf := make([]byte, 12)
				assert.NoError(t, nc.SetReadDeadline(time.Now().Add(enough)))
				_, err = io.ReadFull(nc, buf)
				assert.NoError(t, err)
				assert.Equal(t, string(buf), "HTTP/1.1 200")
				_ = nc.Close()
			}
			kept.send(posting("/sum", "Content-Length: 3", "abc"))
			assert.Equal(t, kept.answer(200), sum("abc", ""))
		})
	}
}

// fill takes the descriptors that are free below the limit.
func fill(t *testing.T) {
	t.Helper()
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			return
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
	}
}
