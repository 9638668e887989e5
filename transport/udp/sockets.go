package udp

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/tako-go/tako/internal/listensock"
)

// Sockets returns a duplicate of each socket. A ready-made one must be
// of the net package, and not wrapped; else the error matches [errors.ErrUnsupported], as it does on
// systems that cannot pass sockets on.
func (s *Server) Sockets() ([]*os.File, error) {
	s.mu.Lock()
	socks, stopped := s.socks, s.stopped
	s.mu.Unlock()
	switch {
	case stopped:
		return nil, fmt.Errorf("udp: sockets: %w", net.ErrClosed)
	case socks == nil:
		return nil, errors.New("udp: Sockets called before Listen")
	}
	conns := make([]net.PacketConn, len(socks))
	for i, k := range socks {
		conns[i] = k.conn
	}
	files, err := listensock.DuplicateAll(conns)
	if err != nil {
		return nil, fmt.Errorf("udp: sockets: %w", err)
	}
	return files, nil
}

// Inherit makes Listen serve these sockets in place of what Config names; it closes the
// files and a ready-made socket. It may be called once, before Listen.
func (s *Server) Inherit(sockets []*os.File) error {
	defer listensock.CloseFiles(sockets)
	if len(sockets) == 0 {
		return errors.New("udp: no sockets to inherit")
	}
	var conns []net.PacketConn
	for _, f := range sockets {
		conn, err := net.FilePacketConn(f)
		if err != nil {
			closeConns(conns)
			return fmt.Errorf("udp: inherit %s: %w", f.Name(), err)
		}
		conns = append(conns, conn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socks != nil || s.stopped || s.inherited != nil {
		closeConns(conns)
		return errors.New("udp: Inherit called twice, or after Listen or Shutdown")
	}
	s.inherited = conns
	return nil
}
