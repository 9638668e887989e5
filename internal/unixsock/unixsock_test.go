//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package unixsock_test

import (
	stdcontext "context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/unixsock"
)

func context() stdcontext.Context { return stdcontext.Background() }

// place returns a path for a socket, short enough everywhere.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tako")
	assert.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

func listen(t *testing.T, path string, cfg unixsock.Config) *unixsock.Listener {
	t.Helper()
	ln, err := unixsock.Listen(t.Context(), path, cfg)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// stale leaves a socket behind that nobody serves.
func stale(t *testing.T, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	assert.NoError(t, err)
	ln.SetUnlinkOnClose(false)
	assert.NoError(t, ln.Close())
}

// meet connects and accepts.
func meet(t *testing.T, ln *unixsock.Listener) (client, server net.Conn) {
	t.Helper()
	assert.NoError(t, ln.SetDeadline(time.Now().Add(patience)))
	client, err := net.Dial("unix", ln.Addr().String())
	assert.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	server, err = ln.Accept()
	assert.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return client, server
}

func TestCN13StaleSocket(t *testing.T) {
	t.Parallel()
	path := place(t)
	stale(t, path)
	ln := listen(t, path, unixsock.Config{})
	meet(t, ln)
	assert.NoError(t, ln.Close())
	assert.Equal(t, exists(path), false, "after Close")
	assert.NoError(t, ln.Close(), "again")
	entries, err := os.ReadDir(filepath.Dir(path))
	assert.NoError(t, err)
	assert.Equal(t, len(entries), 0, "files left")
}

func TestCN13LiveSocket(t *testing.T) {
	t.Parallel()
	path := place(t)
	ln := listen(t, path, unixsock.Config{})
	for range 2 {
		_, err := unixsock.Listen(t.Context(), path, unixsock.Config{})
		assert.ErrorIs(t, err, syscall.EADDRINUSE)
		assert.Contains(t, err.Error(), path)
	}
	assert.NoError(t, ln.SetDeadline(time.Now().Add(patience)))
	for range 8 { // the probes
		conn, err := ln.Accept()
		assert.NoError(t, err)
		_ = conn.Close()
	}
	meet(t, ln)
}

// A server that does not accept has a full queue, and is alive nevertheless.
func TestCN13LiveSocketWithFullQueue(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("a full queue refuses here as a dead server does")
	}
	path := place(t)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	assert.NoError(t, err)
	defer syscall.Close(fd)
	assert.NoError(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
	assert.NoError(t, syscall.Listen(fd, 0))
	conn, err := net.Dial("unix", path)
	assert.NoError(t, err)
	defer conn.Close()
	_, err = unixsock.Listen(t.Context(), path, unixsock.Config{})
	assert.ErrorIs(t, err, syscall.EADDRINUSE)
	assert.Equal(t, exists(path), true, "still there")
}

func TestCN13OtherFiles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		make       func(path string) error
	}{
		{"plain file", "a plain file", func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) }},
		{"folder", "a folder", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"link to nothing", "a symbolic link", func(path string) error { return os.Symlink(path+".gone", path) }},
		{"link to a dead socket", "a symbolic link", func(path string) error {
			stale(t, path+".dead")
			return os.Symlink(path+".dead", path)
		}},
		{"named pipe", "a named pipe", func(path string) error { return syscall.Mkfifo(path, 0o600) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := place(t)
			assert.NoError(t, tt.make(path))
			before, err := os.Lstat(path)
			assert.NoError(t, err)
			_, err = unixsock.Listen(t.Context(), path, unixsock.Config{})
			assert.ErrorIs(t, err, fs.ErrExist)
			assert.Contains(t, err.Error(), tt.want)
			after, err := os.Lstat(path)
			assert.NoError(t, err)
			assert.Equal(t, os.SameFile(before, after), true, "untouched")
			assert.Equal(t, after.ModTime(), before.ModTime(), "untouched")
		})
	}
}

// A socket for datagrams is not known to be dead.
func TestCN13OtherSocket(t *testing.T) {
	t.Parallel()
	path := place(t)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	assert.NoError(t, err)
	defer conn.Close()
	if _, err = unixsock.Listen(t.Context(), path, unixsock.Config{}); err == nil {
		t.Fatal("got no error")
	}
	assert.Equal(t, exists(path), true, "still there")
}

func TestCN13ProcessesAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("processes share no memory")
	}
	t.Parallel()
	path := place(t)
	stale(t, path)
	for range 3 { // from the second round on the winner before has died and left its socket
		var all []*process
		for range 6 {
			all = append(all, start(t, "bind", path))
		}
		for _, p := range all {
			p.order(t, "go")
		}
		answers := map[string]int{}
		for _, p := range all {
			answers[p.answer(t)]++
		}
		assert.Equal(t, answers, map[string]int{"ok": 1, "in use": 5})
		for _, p := range all {
			p.end()
		}
	}
}

func TestCN13ThreadsAtOnce(t *testing.T) {
	t.Parallel()
	path := place(t)
	for range 5 {
		stale(t, path)
		var mu sync.Mutex
		var won []*unixsock.Listener
		var all sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			all.Go(func() {
				<-begin
				ln, err := unixsock.Listen(context(), path, unixsock.Config{})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won = append(won, ln)
				} else if !errors.Is(err, syscall.EADDRINUSE) {
					t.Error(err)
				}
			})
		}
		close(begin)
		all.Wait()
		assert.Equal(t, len(won), 1, "winners")
		for _, ln := range won {
			assert.NoError(t, ln.Close())
		}
		assert.Equal(t, exists(path), false, "after Close")
	}
}

func TestCN13ModeBeforeFirstAccept(t *testing.T) {
	path := place(t)
	for _, mode := range []fs.FileMode{0, 0o600, 0o666, 0o777, 0o660} {
		want := mode
		if mode == 0 {
			want = unixsock.DefaultMode
		}
		for range 50 {
			seen := make(chan fs.FileMode, 1)
			go func() { seen <- firstMode(path) }()
			ln, err := unixsock.Listen(t.Context(), path, unixsock.Config{Mode: mode})
			assert.NoError(t, err)
			assert.Equal(t, <-seen, want)
			assert.NoError(t, ln.Close())
		}
	}
}

// firstMode is the mode of a socket at the moment when it can be connected to.
func firstMode(path string) fs.FileMode {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0
	}
	defer syscall.Close(fd)
	to := &syscall.SockaddrUnix{Name: path}
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		if syscall.Connect(fd, to) != nil {
			continue
		}
		var stat syscall.Stat_t
		if syscall.Lstat(path, &stat) != nil {
			return 0
		}
		return fs.FileMode(stat.Mode) & fs.ModePerm
	}
	return 0
}

func TestOwner(t *testing.T) {
	t.Parallel()
	path := place(t)
	gid, uid := os.Getegid(), os.Geteuid()
	cfg := unixsock.Config{}
	if uid == 0 {
		uid, gid = 1, 2
		cfg.Owner, cfg.Group = "1", "2"
	} else {
		cfg.Group = strconv.Itoa(gid)
	}
	listen(t, path, cfg)
	info, err := os.Lstat(path)
	assert.NoError(t, err)
	got := info.Sys().(*syscall.Stat_t)
	assert.Equal(t, int(got.Uid), uid)
	assert.Equal(t, int(got.Gid), gid)
	assert.Equal(t, info.Mode().Perm(), unixsock.DefaultMode)
}

func TestOwnerByName(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	group, err := user.LookupGroup("daemon")
	if err != nil {
		t.Skip("the system has no such group:", err)
	}
	path := place(t)
	listen(t, path, unixsock.Config{Owner: "root", Group: "daemon"})
	info, err := os.Lstat(path)
	assert.NoError(t, err)
	assert.Equal(t, strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Gid)), group.Gid)
}

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(place(t))
	tests := []struct {
		name, path, want string
		cfg              unixsock.Config
	}{
		{"empty", "", "empty", unixsock.Config{}},
		{"abstract without a name", "@", "empty", unixsock.Config{}},
		{"NUL", dir + "/a\x00b", "NUL", unixsock.Config{}},
		{"long", dir + "/" + strings.Repeat("x", 108), "bytes, and this system allows", unixsock.Config{}},
		{"no folder", dir + "/none/s", "no such file", unixsock.Config{}},
		{"mode", dir + "/s", "permission bits", unixsock.Config{Mode: fs.ModeSetuid | 0o600}},
		{"owner", dir + "/s", "tako-nobody", unixsock.Config{Owner: "tako-nobody"}},
		{"group", dir + "/s", "tako-nobody", unixsock.Config{Group: "tako-nobody"}},
		{"abstract with a mode", "@tako-test", "abstract", unixsock.Config{Mode: 0o600}},
	}
	for _, tt := range tests {
		_, err := unixsock.Listen(t.Context(), tt.path, tt.cfg)
		if err == nil {
			t.Errorf("%s: got no error", tt.name)
			continue
		}
		assert.Contains(t, err.Error(), tt.want, tt.name)
	}
	entries, err := os.ReadDir(dir)
	assert.NoError(t, err)
	assert.Equal(t, len(entries), 0, "files left")
}

// What goes wrong after the socket is bound leaves no file.
func TestNoFileAfterFailure(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may give files to everybody")
	}
	path := place(t)
	_, err := unixsock.Listen(t.Context(), path, unixsock.Config{Owner: "0"})
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.Equal(t, exists(path), false, "file")
}

func TestLockedFolder(t *testing.T) {
	t.Parallel()
	path := place(t)
	folder, err := os.Open(filepath.Dir(path))
	assert.NoError(t, err)
	defer folder.Close()
	assert.NoError(t, syscall.Flock(int(folder.Fd()), syscall.LOCK_SH)) // what only an exclusive one minds
	ctx, cancel := stdcontext.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = unixsock.Listen(ctx, path, unixsock.Config{})
	assert.ErrorIs(t, err, stdcontext.DeadlineExceeded)
	assert.Equal(t, exists(path), false, "file")
}

func TestCloseLeavesAnotherFile(t *testing.T) {
	t.Parallel()
	path := place(t)
	ln := listen(t, path, unixsock.Config{})
	assert.NoError(t, os.Rename(path, path+".moved")) // or its inode may be used again
	assert.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	assert.NoError(t, ln.Close())
	assert.Equal(t, exists(path), true, "file of somebody else")

	path = place(t)
	ln = listen(t, path, unixsock.Config{})
	assert.NoError(t, os.Remove(path))
	next := listen(t, path, unixsock.Config{})
	assert.NoError(t, ln.Close())
	meet(t, next)
	assert.NoError(t, os.RemoveAll(filepath.Dir(path)))
	assert.NoError(t, next.Close())
}

// A relative path is still the same file when the process works in another folder.
func TestRelativePath(t *testing.T) {
	path := place(t)
	t.Chdir(filepath.Dir(path))
	ln := listen(t, "s", unixsock.Config{})
	assert.Equal(t, ln.Addr().String(), "s")
	t.Chdir("/")
	assert.NoError(t, ln.Close())
	assert.Equal(t, exists(path), false, "after Close")
}

func TestCN13FileOfAnotherProcess(t *testing.T) {
	t.Parallel()
	path := place(t)
	ln := listen(t, path, unixsock.Config{})
	file, err := ln.File()
	assert.NoError(t, err)
	p := start(t, "adopt", path, file)
	assert.NoError(t, file.Close())
	p.order(t, "go")
	assert.Equal(t, p.answer(t), "ok")
	assert.NoError(t, ln.Close())
	assert.Equal(t, exists(path), true, "while the child has it")
	conn, err := net.Dial("unix", path)
	assert.NoError(t, err)
	_ = conn.Close()
	p.order(t, "close")
	assert.Equal(t, p.answer(t), "ok")
	assert.Equal(t, exists(path), false, "when the child has closed it")
}

func TestAbstract(t *testing.T) {
	t.Parallel()
	name := "@tako-test-" + strconv.Itoa(os.Getpid())
	if runtime.GOOS != "linux" {
		_, err := unixsock.Listen(t.Context(), name, unixsock.Config{})
		assert.ErrorIs(t, err, errors.ErrUnsupported)
		return
	}
	ln := listen(t, name, unixsock.Config{})
	assert.Equal(t, ln.Addr().String(), name)
	meet(t, ln)
	_, err := unixsock.Listen(t.Context(), name, unixsock.Config{})
	assert.ErrorIs(t, err, syscall.EADDRINUSE)
	assert.NoError(t, ln.Close())
	assert.NoError(t, ln.Close())
	longest := "@" + strings.Repeat("x", 107)
	assert.NoError(t, listen(t, longest, unixsock.Config{}).Close())
}
