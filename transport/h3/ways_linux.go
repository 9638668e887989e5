package h3

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// way leads to a process before this one, whose tag it has.
type way struct {
	tag tag
	to  *net.UnixConn
}

// keepOwn hands on what is for other processes, moves the rest to the front, and returns its
// number. Only what is read changes place: the library knows the buffers by theirs.
func (s *socket) keepOwn(ms []ipv4.Message) int {
	ways := s.others()
	if len(ways) == 0 {
		return len(ms)
	}
	kept := 0
	for i := range ms {
		m := &ms[i]
		if t, ok := tagOf(m.Buffers[0][:m.N]); ok {
			n := slices.IndexFunc(ways, func(w way) bool { return w.tag == t })
			if n >= 0 && s.handOn(ways[n], m) {
				continue
			}
		}
		if kept != i {
			to := &ms[kept]
			to.N = copy(to.Buffers[0], m.Buffers[0][:m.N])
			to.NN = copy(to.OOB, m.OOB[:m.NN])
			to.Addr, to.Flags = m.Addr, m.Flags
		}
		kept++
	}
	return kept
}

// handOn gives a datagram to another process: its sender, what the kernel tells of it, and
// itself. If that fails it is lost. It returns false if the process has ended.
func (s *socket) handOn(w way, m *ipv4.Message) bool {
	udp, ok := m.Addr.(*net.UDPAddr)
	if !ok {
		return false
	}
	addr, err := udp.AddrPort().MarshalBinary()
	if err != nil || len(addr) > 255 || m.NN > 255 {
		return false
	}
	b := make([]byte, 0, 2+len(addr)+m.NN+m.N)
	b = append(append(b, byte(len(addr))), addr...)
	b = append(append(b, byte(m.NN)), m.OOB[:m.NN]...)
	b = append(b, m.Buffers[0][:m.N]...)
	raw, err := w.to.SyscallConn()
	if err != nil {
		return false
	}
	var sendErr error
	err = raw.Write(func(fd uintptr) bool {
		sendErr = unix.Send(int(fd), b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		return true
	})
	if err != nil || hasEnded(sendErr) {
		s.drop(w)
		return false
	}
	return true
}

// hasEnded reports whether err tells that nobody has the other end of a pair any more. Other
// errors must not be taken for that: who is left without a way to it reads the socket again.
func hasEnded(err error) bool {
	return slices.ContainsFunc([]error{io.EOF, unix.EPIPE, unix.ECONNRESET, unix.ECONNREFUSED, unix.ENOTCONN},
		func(end error) bool { return errors.Is(err, end) })
}

// others returns the ways to processes before this one.
func (s *socket) others() []way {
	if ways := s.ways.Load(); ways != nil {
		return *ways
	}
	return nil
}

// watch drops a way when its process has ended.
func (s *socket) watch(w way) {
	var err error
	for err == nil {
		_, err = w.to.Read(make([]byte, 1)) // nothing comes this way
	}
	if hasEnded(err) {
		s.drop(w)
	}
}

// isOpen reports whether a process has the other end of a pair.
func isOpen(pair syscall.Conn) bool {
	raw, err := pair.SyscallConn()
	if err != nil {
		return true
	}
	var poll []unix.PollFd
	err = raw.Control(func(fd uintptr) {
		poll = []unix.PollFd{{Fd: int32(fd)}}
		_, _ = unix.Poll(poll, 0)
	})
	return err == nil && poll[0].Revents&unix.POLLHUP == 0
}

// drop forgets a way; what still comes for it is answered by a stateless reset.
func (s *socket) drop(w way) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := slices.DeleteFunc(slices.Clone(s.others()), func(other way) bool { return other == w })
	s.ways.Store(&left)
	_ = w.to.Close()
}

// maxHandedOn is more than any datagram with what comes before it.
const maxHandedOn = 64<<10 + 600

// readHandedOn reads one datagram of handOn.
func (s *socket) readHandedOn(from *net.UnixConn, ms []ipv4.Message) (int, error) {
	if s.buf == nil {
		s.buf = make([]byte, maxHandedOn)
	}
	for {
		n, err := from.Read(s.buf)
		if err != nil {
			return 0, err
		}
		if decode(s.buf[:n], &ms[0]) {
			return 1, nil
		}
	}
}

func decode(b []byte, m *ipv4.Message) bool {
	cut := func() ([]byte, bool) {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, false
		}
		field := b[1 : 1+int(b[0])]
		b = b[1+int(b[0]):]
		return field, true
	}
	addr, ok := cut()
	var sender netip.AddrPort
	if !ok || sender.UnmarshalBinary(addr) != nil {
		return false
	}
	oob, ok := cut()
	if !ok || len(oob) > len(m.OOB) || len(b) > len(m.Buffers[0]) {
		return false
	}
	m.Addr = net.UDPAddrFromAddrPort(sender)
	m.NN, m.N, m.Flags = copy(m.OOB, oob), copy(m.Buffers[0], b), 0
	return true
}
