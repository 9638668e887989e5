package h3

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// shareable wraps a socket of the net package, so that it can be yielded.
func shareable(pc net.PacketConn) net.PacketConn {
	if udp, ok := pc.(*net.UDPConn); ok {
		return newSocket(udp)
	}
	return pc
}

func newSocket(udp *net.UDPConn) *socket {
	return &socket{UDPConn: udp, batch: ipv4.NewPacketConn(udp), wake: make(chan struct{}, 1),
		stopped: make(chan struct{}, 1)}
}

// logTo has the socket log to log what cannot be read. It is called before the first read.
func logTo(pc net.PacketConn, log *slog.Logger) {
	if s, ok := pc.(*socket); ok {
		s.log = log
	}
}

func yield(pc net.PacketConn, own keys) (files []*os.File, letGo func() error, err error) {
	s, ok := pc.(*socket)
	if !ok {
		return nil, nil, fmt.Errorf("not a socket of the net package: %w", errors.ErrUnsupported)
	}
	var ours *net.UnixConn
	defer func() {
		if err != nil {
			closeFiles(files)
			files = nil
			if ours != nil {
				_ = ours.Close()
			}
		}
	}()
	shared, err := duplicate(s, s.LocalAddr().String())
	if err != nil {
		return nil, nil, err
	}
	files = append(files, shared)
	theirs, ours, err := packetPair()
	if err != nil {
		return files, nil, err
	}
	files = append(files, theirs)
	tags, ways, err := s.older()
	files = append(files, ways...)
	if err != nil {
		return files, nil, err
	}
	told, err := writeState(state{Keys: own, Tags: append([]tag{own.Tag}, tags...)})
	if err != nil {
		return files, nil, err
	}
	files = slices.Insert(files, stateFile, told)
	if err := s.offer(ours); err != nil {
		return files, nil, err
	}
	return files, func() error { return s.letGo(ours) }, nil
}

// older returns the ways to the processes before this one that have not ended. None of them may
// be left out: it would read the socket beside the successor once this process has ended.
func (s *socket) older() (tags []tag, ways []*os.File, err error) {
	for _, w := range s.others() {
		if !isOpen(w.to) {
			continue
		}
		to, err := duplicate(w.to, "datagrams")
		if errors.Is(err, net.ErrClosed) {
			continue // it has just ended
		}
		if err != nil {
			return tags, ways, err
		}
		tags, ways = append(tags, w.tag), append(ways, to)
	}
	if len(tags) >= maxProcesses {
		err = errors.New("too many processes have not ended yet")
	}
	return tags, ways, err
}

// The files of Yield: the socket, the way to this process, what it tells, and the ways to those
// before it.
const (
	stateFile  = 2
	olderFiles = 3
)

// succeed takes the files of Yield over, which others may follow, and returns their number.
func succeed(files []*os.File) (left *heir, n int, err error) {
	if len(files) < olderFiles {
		return nil, 0, fmt.Errorf("got %d files, want %d or more", len(files), olderFiles)
	}
	st, err := readState(files[stateFile])
	if err != nil {
		return nil, 0, fmt.Errorf("what the other process tells: %w", err)
	}
	if n = olderFiles - 1 + len(st.Tags); len(st.Tags) == 0 || n > len(files) {
		return nil, 0, fmt.Errorf("got %d files for %d processes", len(files), len(st.Tags))
	}
	pc, err := net.FilePacketConn(files[0])
	if err != nil {
		return nil, 0, err
	}
	udp, ok := pc.(*net.UDPConn)
	if !ok {
		_ = pc.Close()
		return nil, 0, errors.New("the first file is not a UDP socket")
	}
	s := newSocket(udp)
	ends := append([]*os.File{files[1]}, files[olderFiles:n]...)
	ways := make([]way, 0, len(ends))
	for i, end := range ends {
		c, err := net.FileConn(end)
		if err == nil {
			if to, ok := c.(*net.UnixConn); ok {
				ways = append(ways, way{st.Tags[i], to})
				continue
			}
			_ = c.Close()
			err = errors.New("a way to another process is not a Unix socket")
		}
		s.ways.Store(&ways)
		_ = s.Close()
		return nil, 0, err
	}
	s.ways.Store(&ways)
	for _, w := range ways {
		go s.watch(w)
	}
	return &heir{socket: s, keys: st.Keys}, n, nil
}

// duplicate returns a socket as a file that os/exec does not make blocking, which would be
// so for all who share it.
func duplicate(c syscall.Conn, name string) (*os.File, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	if err = raw.Control(func(d uintptr) { fd, dupErr = unix.FcntlInt(d, unix.F_DUPFD_CLOEXEC, 0) }); err == nil {
		err = dupErr
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// packetPair returns both ends of a pair of sockets that keep what is written together.
func packetPair() (*os.File, *net.UnixConn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range fds { // room for what comes while a process is busy; less is no harm
		_ = unix.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, 1<<20)
	}
	theirs, file := os.NewFile(uintptr(fds[0]), "datagrams"), os.NewFile(uintptr(fds[1]), "datagrams")
	defer file.Close()
	c, err := net.FileConn(file)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, err
	}
	return theirs, c.(*net.UnixConn), nil
}
