package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// bind returns what to listen on. It is called with mu held.
func (s *Server) bind(ctx context.Context, cfg Config) ([]net.PacketConn, error) {
	if conns := s.inherited; conns != nil {
		s.inherited = nil
		if cfg.Conn != nil {
			_ = cfg.Conn.Close()
		}
		return conns, nil
	}
	switch {
	case cfg.Conn != nil:
		return []net.PacketConn{cfg.Conn}, nil
	case cfg.Listen != nil:
		conn, err := cfg.Listen(ctx)
		if err != nil {
			return nil, fmt.Errorf("udp: %w", err)
		}
		if conn == nil {
			return nil, errors.New("udp: Config.Listen has returned nothing")
		}
		return []net.PacketConn{conn}, nil
	}
	return listenAll(ctx, cfg.Addr, cfg.Sockets)
}

// listenAll binds n sockets to one address. The first must have it alone at that moment:
// sockets that share an address are not refused, even if another server has it.
func listenAll(ctx context.Context, addr string, n int) ([]net.PacketConn, error) {
	var lc net.ListenConfig
	first, err := lc.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	if n == 1 {
		return []net.PacketConn{first}, nil
	}
	host, _, err := net.SplitHostPort(addr)
	port := first.LocalAddr().(*net.UDPAddr).Port
	_ = first.Close()
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	lc.Control = sharePort
	var conns []net.PacketConn
	for range n {
		conn, err := lc.ListenPacket(ctx, "udp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			closeConns(conns)
			return nil, fmt.Errorf("udp: %d sockets: %w", n, err)
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

// setReadBuffer sets the buffer of the kernel, unless size is 0.
func (s *Server) setReadBuffer(conn net.PacketConn, size int) error {
	if size == 0 {
		return nil
	}
	c, ok := conn.(interface{ SetReadBuffer(bytes int) error })
	if !ok {
		return fmt.Errorf("udp: ReadBuffer: a %T has none: %w", conn, errors.ErrUnsupported)
	}
	if err := c.SetReadBuffer(size); err != nil {
		return fmt.Errorf("udp: ReadBuffer: %w", err)
	}
	if got := readBuffer(conn, size); got < size {
		s.log.Warn("udp: the kernel grants a smaller buffer", "addr", conn.LocalAddr(), "asked", size, "got", got)
	}
	return nil
}

func closeConns(conns []net.PacketConn) {
	for _, conn := range conns {
		_ = conn.Close()
	}
}
