package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/tako-go/tako/internal/listensock"
)

// Sockets returns a duplicate of each listening socket. A ready-made listener must be one of the
// net package, or of package transport, and not wrapped; else the error matches
// [errors.ErrUnsupported], as it does on systems that cannot pass sockets on.
func (s *Server) Sockets() ([]*os.File, error) {
	s.mu.Lock()
	lns, stopped := s.ln, s.stopped
	s.mu.Unlock()
	switch {
	case stopped:
		return nil, fmt.Errorf("tcp: sockets: %w", net.ErrClosed)
	case lns == nil:
		return nil, errors.New("tcp: Sockets called before Listen")
	}
	files, err := listensock.DuplicateAll(lns.plain())
	if err != nil {
		return nil, fmt.Errorf("tcp: sockets: %w", err)
	}
	return files, nil
}

// Inherit makes Listen serve these sockets in place of what Config says; it closes the files and
// a ready-made listener. It may be called once, before Listen.
func (s *Server) Inherit(sockets []*os.File) error {
	defer listensock.CloseFiles(sockets)
	if len(sockets) == 0 {
		return errors.New("tcp: no sockets to inherit")
	}
	lns, err := listensock.Listeners(sockets)
	if err != nil {
		return fmt.Errorf("tcp: inherit: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln != nil || s.stopped || s.inherited != nil {
		closeAll(lns)
		return errors.New("tcp: Inherit called twice, or after Listen or Shutdown")
	}
	s.inherited = lns
	return nil
}

// bind returns what to listen on. It is called with mu held.
func (s *Server) bind(ctx context.Context) (listeners, error) {
	if lns := s.inherited; lns != nil {
		s.inherited = nil
		if s.cfg.Listener != nil {
			_ = s.cfg.Listener.Close()
		}
		return s.listeners(lns...), nil
	}
	switch {
	case s.cfg.Listener != nil:
		return s.listeners(s.cfg.Listener), nil
	case s.cfg.Listen != nil:
		ln, err := s.cfg.Listen(ctx)
		if err != nil {
			return nil, fmt.Errorf("tcp: %w", err)
		}
		return s.listeners(ln), nil
	case s.cfg.Addr == "":
		return nil, errors.New("tcp: no address: set Addr, Listen or Listener of Config")
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("tcp: %w", err)
	}
	return s.listeners(ln), nil
}

// closeUnused closes what was given to the server and never listened on.
func (s *Server) closeUnused() {
	s.mu.Lock()
	lns := s.inherited
	s.inherited = nil
	s.mu.Unlock()
	closeAll(lns)
	if s.cfg.Listener != nil {
		_ = s.cfg.Listener.Close()
	}
}

func closeAll(lns []net.Listener) {
	for _, ln := range lns {
		_ = ln.Close()
	}
}

func (s *Server) listeners(lns ...net.Listener) listeners {
	all := make(listeners, len(lns))
	for i, ln := range lns {
		all[i] = &listener{Listener: listensock.Own(ln), s: s}
	}
	return all
}

// listeners are those of one server: one, unless it inherited several.
type listeners []*listener

// Addr is the address of the first.
func (l listeners) Addr() net.Addr { return l[0].Addr() }

// plain returns them as they were given.
func (l listeners) plain() []net.Listener {
	all := make([]net.Listener, len(l))
	for i, ln := range l {
		all[i] = ln.Listener
	}
	return all
}

// stop makes waiting Accepts return.
func (l listeners) stop() {
	for _, ln := range l {
		ln.stop()
	}
}
