package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// filePatience is how long one file may take.
const filePatience = time.Minute

// file is one that servers send from a folder they are told.
type file struct {
	name string
	size int
	// alone files are so large that wrk is no client for them, and each MiB counts.
	alone bool
}

func (f file) target() string { return "/static/" + f.name }

func (f file) text() string {
	return strings.Repeat("octopus\n", (f.size+7)/8)[:f.size]
}

func (f file) scenario(name string) scenario {
	s := scenario{name: name, file: &f, loaded: probe{target: f.target(), status: http.StatusOK, bytes: f.size}}
	if f.alone {
		s.conns = 4
	} else {
		s.loaded.text = f.text()
	}
	return s
}

// write also leaves the file in the page cache.
func (f file) write(dir string) error {
	return os.WriteFile(filepath.Join(dir, f.name), []byte(f.text()), 0o644) //nolint:gosec // nginx reads it
}

// writeFiles makes those that scenarios need.
func writeFiles(dir string, scenarios []scenario) error {
	for _, s := range scenarios {
		if s.file != nil {
			if err := s.file.write(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// runFile gets a file again and again on each connection.
func runFile(ctx context.Context, addr string, f file, conns int, length time.Duration) (loadResult, error) {
	clients, err := dialAll(ctx, "tcp", addr, conns)
	if err != nil {
		return loadResult{}, err
	}
	defer closeAll(clients)
	return together(ctx, conns, length, func(ctx context.Context, id int, until time.Time) (*tally, error) {
		files, err := again(ctx, until, func() error { return getFile(clients[id].(*net.TCPConn), f) })
		if err != nil {
			return nil, err
		}
		return &tally{Histogram: *files.Times(f.size >> 20)}, nil
	})
}

// getFile discards the content within the kernel.
func getFile(nc *net.TCPConn, f file) error {
	if err := nc.SetDeadline(time.Now().Add(filePatience)); err != nil {
		return err
	}
	if _, err := io.WriteString(nc, "GET "+f.target()+" HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	in := bufio.NewReader(nc)
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || resp.ContentLength != int64(f.size) {
		return fmt.Errorf("status %d with %d bytes, want 200 with %d", resp.StatusCode, resp.ContentLength, f.size)
	}
	if err := discard(nc, f.size-in.Buffered()); err != nil {
		return fmt.Errorf("read %s: %w", f.name, err)
	}
	return nil
}

func discard(nc *net.TCPConn, left int) error {
	raw, err := nc.SyscallConn()
	if err != nil {
		return err
	}
	// TCP copies nothing here when it truncates: it takes the length alone.
	buf := make([]byte, 1<<20)
	for left > 0 {
		var n int
		var failed error
		if err := raw.Read(func(fd uintptr) bool {
			n, _, failed = syscall.Recvfrom(int(fd), buf[:min(left, len(buf))], syscall.MSG_TRUNC)
			return failed != syscall.EAGAIN //nolint:errorlint // it is an errno
		}); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
		if n == 0 {
			return io.ErrUnexpectedEOF
		}
		left -= n
	}
	return nil
}
