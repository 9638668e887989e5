package std

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/listensock"
)

var _ tako.SocketOwner = (*Server)(nil)

// Sockets returns a duplicate of each listening socket. A ready-made listener
// must be one of the net package, or of package transport, and not wrapped: what a wrapper
// does in Accept would be lost. Else the error matches [errors.ErrUnsupported], as it does on
// systems that cannot pass sockets on.
func (s *Server) Sockets() ([]*os.File, error) {
	s.mu.Lock()
	lns, stopped := s.ln, s.stopped
	s.mu.Unlock()
	switch {
	case stopped:
		return nil, fmt.Errorf("std: sockets: %w", net.ErrClosed)
	case lns == nil:
		return nil, errors.New("std: Sockets called before Listen")
	}
	own := make([]net.Listener, len(lns))
	for i, ln := range lns {
		own[i] = ln.Listener
	}
	files, err := listensock.DuplicateAll(own)
	if err != nil {
		return nil, fmt.Errorf("std: sockets: %w", err)
	}
	return files, nil
}

// Inherit makes Listen serve these sockets in place of Config.Addr and
// Config.Listener; it closes the files and a ready-made listener. It may be called
// once, before Listen.
func (s *Server) Inherit(sockets []*os.File) error {
	defer listensock.CloseFiles(sockets)
	if len(sockets) == 0 {
		return errors.New("std: no sockets to inherit")
	}
	own, err := listensock.Listeners(sockets)
	if err != nil {
		return fmt.Errorf("std: inherit: %w", err)
	}
	var lns listeners
	for _, ln := range own {
		lns = append(lns, &listener{Listener: ln, s: s})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ln != nil || s.stopped || s.inherited != nil {
		_ = lns.Close()
		return errors.New("std: Inherit called twice, or after Listen or Shutdown")
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
		return lns, nil
	}
	ln := s.cfg.Listener
	switch {
	case ln != nil:
	case s.cfg.Listen != nil:
		bound, err := s.cfg.Listen(ctx)
		if err != nil {
			return nil, fmt.Errorf("std: %w", err)
		}
		ln = bound
	default:
		addr := s.cfg.Addr
		if addr == "" {
			addr = ":8080"
		}
		var lc net.ListenConfig
		bound, err := lc.Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, fmt.Errorf("std: %w", err)
		}
		ln = bound
	}
	return listeners{&listener{Listener: listensock.Own(ln), s: s}}, nil
}

// listeners are those of one server: one, unless it inherited several.
type listeners []*listener

// Addr is the address of the first.
func (l listeners) Addr() net.Addr { return l[0].Addr() }

// Close closes all.
func (l listeners) Close() error {
	var errs []error
	for _, ln := range l {
		errs = append(errs, ln.Close())
	}
	return errors.Join(errs...)
}

// stop makes waiting Accepts return.
func (l listeners) stop() {
	for _, ln := range l {
		ln.stop()
	}
}

// accept serves all listeners and returns the error of the first that ends.
// served is closed when the last has.
func (s *Server) accept(lns listeners) error {
	ended := make(chan error, len(lns))
	var group sync.WaitGroup
	for _, ln := range lns {
		group.Go(func() { ended <- s.http.Serve(ln) })
	}
	go func() {
		group.Wait()
		close(s.served)
	}()
	return <-ended
}
