package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
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

// listenAll binds n sockets to one address. The first binds it alone, and lets the others in only
// then: sockets that share an address are not refused, even if another server has it.
func listenAll(ctx context.Context, addr string, n int) ([]net.PacketConn, error) {
	var lc net.ListenConfig
	first, err := lc.ListenPacket(ctx, "udp", addr)
	if err != nil {
		return nil, fmt.Errorf("udp: %w", err)
	}
	conns := []net.PacketConn{first}
	if n == 1 {
		return conns, nil
	}
	if err = share(first); err == nil {
		lc.Control = sharePort
		conns, err = joinFirst(ctx, &lc, conns, n)
	}
	if err != nil {
		closeConns(conns)
		return nil, fmt.Errorf("udp: %d sockets: %w", n, err)
	}
	return conns, nil
}

// joinFirst binds to the address of the first until there are n.
func joinFirst(ctx context.Context, lc *net.ListenConfig, conns []net.PacketConn, n int) ([]net.PacketConn, error) {
	addr := conns[0].LocalAddr()
	for len(conns) < n {
		conn, err := lc.ListenPacket(ctx, "udp", addr.String())
		if err != nil {
			return conns, err
		}
		conns = append(conns, conn)
	}
	return conns, nil
}

// share lets others bind the address of conn, which has it already.
func share(conn net.PacketConn) error {
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	return sharePort("", "", raw)
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
