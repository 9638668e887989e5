//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package unixsock

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// The longest waits for the lock of the folder.
const (
	listenWait = 5 * time.Second
	closeWait  = time.Second
)

// A file is that of a socket.
type file struct {
	path string
	id   fs.FileInfo
}

func adopt(ln *net.UnixListener) *file {
	ln.SetUnlinkOnClose(false)
	name := ln.Addr().String()
	if name == "" || name[0] == '@' {
		return nil
	}
	path := absolute(name)
	id, err := os.Lstat(path)
	if err != nil || id.Mode().Type() != fs.ModeSocket {
		return nil
	}
	return &file{path, id}
}

// makeWay removes a socket that nobody serves, and is called with the folder locked.
func makeWay(path string) error {
	old, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case old.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("there is %s, and only a socket is replaced: %w", kind(old.Mode()), fs.ErrExist)
	}
	alive, err := served(path)
	switch {
	case errors.Is(err, syscall.ENOENT):
		return nil
	case err != nil:
		return fmt.Errorf("cannot tell whether somebody serves the socket that is there: %w", err)
	case alive:
		return fmt.Errorf("somebody serves it: %w", syscall.EADDRINUSE)
	}
	return unlink(path, old)
}

// remove removes the file if it is still the same and nobody serves it. The socket is closed
// before the folder is locked, so that nothing delays that: if somebody has replaced the file
// in between, even by one with the same inode, he listens when the lock is had.
func (f *file) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	unlock, err := lockFolder(ctx, filepath.Dir(f.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unix socket %s: the file stays: %w", f.path, err)
	}
	defer unlock()
	now, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, f.id) {
		return nil
	}
	alive := false
	if err == nil {
		alive, err = served(f.path)
	}
	if err == nil && !alive {
		err = unlink(f.path, f.id)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unix socket %s: the file stays: %w", f.path, err)
	}
	return nil
}

// unlink removes a file that is still the same. Other than os.Remove it does not try the
// path as a folder.
func unlink(path string, id fs.FileInfo) error {
	now, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !os.SameFile(now, id):
		return fmt.Errorf("the file has become another one meanwhile: %w", fs.ErrExist)
	}
	if err := syscall.Unlink(path); err != nil && !errors.Is(err, syscall.ENOENT) {
		return &fs.PathError{Op: "unlink", Path: path, Err: err}
	}
	return nil
}

// served reports whether somebody listens on a socket. It looks again before it says so: a
// child that is about to exec, and a poller, have a closed socket for a moment more.
func served(path string) (bool, error) {
	alive, err := probe(path)
	for pause := time.Millisecond; alive && err == nil && pause <= 25*time.Millisecond; pause *= 5 {
		<-time.After(pause)
		alive, err = probe(path)
	}
	return alive, err
}

// probe connects to a socket, and not while a child is forked, which has all descriptors
// then.
func probe(path string) (bool, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := openSocket()
	if err != nil {
		return false, err
	}
	defer syscall.Close(fd)
	err = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path})
	switch {
	case err == nil, errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINPROGRESS): // EAGAIN: its queue is full
		return true, nil
	case errors.Is(err, syscall.ECONNREFUSED):
		return false, nil
	}
	return false, os.NewSyscallError("connect", err)
}

// lockFolder waits for an exclusive lock on a folder. The lock of a process that dies is gone
// with it, and nothing is left behind.
func lockFolder(ctx context.Context, path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, listenWait)
	defer cancel()
	folder, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		switch err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return func() {
				// A child that was forked just now has the same lock until its exec.
				_ = syscall.Flock(int(folder.Fd()), syscall.LOCK_UN)
				_ = folder.Close()
			}, nil
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			_ = folder.Close()
			return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			_ = folder.Close()
			return nil, fmt.Errorf("waiting for the lock of folder %s: %w", path, ctx.Err())
		}
	}
}

// kind names what is at a path.
func kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a plain file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	}
	return "a device"
}
