package runtimetest

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/tako-go/tako"
)

// pathFileCases have the files of Unix sockets. What two processes do at once is shown
// where the sockets are made.
func pathFileCases() []testCase {
	swallowed := serverFault("error-swallowed", swallowListen)
	all := []testCase{
		{id: "CN-13/gone-after-stop", run: goneAfterStop, faults: []fault{planted("file-kept")}},
		{id: "CN-13/stale", run: staleSocket, faults: []fault{planted("alive")}},
		{id: "CN-13/alive", run: aliveSocket, faults: []fault{swallowed, planted("stale")}},
		{id: "CN-13/plain-file", run: otherFile(func(path string) error { return os.WriteFile(path, []byte("kept"), 0o600) }), faults: []fault{swallowed, planted("deleted")}},
		{id: "CN-13/symlink", run: otherFile(func(path string) error { return os.Symlink("nowhere", path) }), faults: []fault{swallowed, planted("deleted")}},
	}
	for i := range all {
		all[i].on, all[i].over = []Carrier{Unix}, []Protocol{HTTP1}
	}
	return all
}

func goneAfterStop(x *T) {
	path := x.socketPath()
	s := x.serveWith(setup{path: path}, nil)
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o660 {
		x.Errorf("the file is %v, %v, want a socket for owner and group", info, err)
	}
	s.get(alivePath, 200)
	if _, err := s.shutdown(x.patience); err != nil {
		x.Errorf("shutdown: %v", err)
	}
	if x.planted("file-kept") {
		_ = os.WriteFile(path, nil, 0o600)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		x.Errorf("after the stop there is %v, %v", path, err)
	}
}

// leftSocket is what a server leaves that was killed, or that is alive.
func leftSocket(x *T, path string, alive bool) {
	x.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		x.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	if alive {
		x.Cleanup(func() { _ = ln.Close() })
		return
	}
	_ = ln.Close()
}

func staleSocket(x *T) {
	path := x.socketPath()
	leftSocket(x, path, x.planted("alive"))
	x.serveWith(setup{path: path}, nil).get(alivePath, 200)
}

func aliveSocket(x *T) {
	path := x.socketPath()
	leftSocket(x, path, !x.planted("stale"))
	s := x.prepare(setup{path: path}, nil)
	if err := s.Listen(context.Background()); !errors.Is(err, syscall.EADDRINUSE) {
		x.Errorf("Listen at a path that is served: %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		x.Errorf("the socket of the other server: %v", err)
	}
}

// otherFile has something at the path that is no socket.
func otherFile(put func(path string) error) func(x *T) {
	return func(x *T) {
		path := x.socketPath()
		if err := put(path); err != nil {
			x.Fatal(err)
		}
		s := x.prepare(setup{path: path}, func(*tako.Router) {})
		if err := s.Listen(context.Background()); !errors.Is(err, fs.ErrExist) {
			x.Errorf("Listen at the path of something else: %v", err)
		}
		if x.planted("deleted") {
			_ = os.Remove(path)
		}
		if _, err := os.Lstat(path); err != nil {
			x.Errorf("what was there: %v", err)
		}
	}
}
