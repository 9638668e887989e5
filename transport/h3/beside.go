package h3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// Beside returns a server that serves over HTTP/3 what another server serves over TCP: the
// same app with the same certificates, limits and log, where cfg does not say otherwise, at
// the same address and port. The other one must be a [tako.Origin] with certificates, as those
// of the runtimes are, else Listen fails. While HTTP/3 is up its responses have an Alt-Svc
// field that tells clients of it (RFC 7838); Config.NoAltSvc leaves it out.
//
//	tako.Run(ctx, h3.Beside(web, h3.Config{}))      // listens, serves and drains both
//	tako.Run(ctx, web, h3.Beside(web, h3.Config{})) // the same
//
// If the other one does not listen yet when Listen is called it becomes part of this one: then
// do not list it behind. A server can have one beside it: clients are told of the last, and of
// none when any of them ends.
//
// The result is a [tako.Yielder] and, for [tako.Prefork], no [tako.SocketOwner]: several
// processes cannot share a UDP socket.
func Beside(server tako.Server, cfg Config) tako.Server {
	return &beside{web: server, cfg: cfg, h3: New(nil, cfg)}
}

type beside struct {
	web tako.Server
	cfg Config
	h3  *Server

	mu     sync.Mutex
	origin tako.Origin // from Listen on
	both   bool        // the other one is part of this one
	ends   bool        // nothing is advertised any more
}

var (
	_ tako.Drainer     = (*beside)(nil)
	_ tako.Describable = (*beside)(nil)
	_ tako.Reloader    = (*beside)(nil)
	_ tako.Yielder     = (*beside)(nil)
)

// Listen listens on the other server too, if that does not listen yet.
func (b *beside) Listen(ctx context.Context) error {
	err := b.listen(ctx)
	if err != nil && b.h3.Addr() == nil {
		b.h3.closeUnused()
	}
	return err
}

func (b *beside) listen(ctx context.Context) error {
	if b.h3.Addr() != nil {
		return errors.New("h3: Listen called twice")
	}
	origin, ok := b.web.(tako.Origin)
	if !ok {
		return fmt.Errorf("h3: Beside: a %T cannot have a server beside it", b.web)
	}
	site := origin.Site()
	if site.Certs == nil {
		return errors.New("h3: Beside: the server has no certificates, without which there is no HTTP/3")
	}
	cfg := b.cfg
	if cfg.Certs == nil {
		cfg.Certs = site.Certs
	}
	if cfg.Limits == (tako.Limits{}) {
		cfg.Limits = site.Limits
	}
	if cfg.Log == nil {
		cfg.Log = site.Log
	}
	both := origin.Addr() == nil
	if both {
		if err := origin.Listen(ctx); err != nil {
			return err
		}
	}
	b.mu.Lock()
	b.origin, b.both = origin, both
	b.mu.Unlock()
	err := b.listenBeside(ctx, origin.Addr(), site.App, cfg)
	if err != nil && both {
		now, cancel := context.WithCancel(ctx)
		cancel()
		_, _ = origin.Shutdown(now)
	}
	return err
}

func (b *beside) listenBeside(ctx context.Context, addr net.Addr, app tako.App, cfg Config) error {
	network := ""
	if cfg.Addr == "" && cfg.Conn == nil && cfg.Listen == nil {
		tcp, ok := addr.(*net.TCPAddr)
		if !ok {
			return fmt.Errorf("h3: Beside: the server listens on %v, not on TCP: set Config.Addr", addr)
		}
		cfg.Addr = tcp.String()
		if tcp.IP.To4() != nil { // 0.0.0.0 would be that of both families otherwise
			network = "udp4"
		}
	}
	b.h3.configure(app, cfg, network)
	return b.h3.Listen(ctx)
}

// configure is for a server that was made before its app was known.
func (s *Server) configure(app tako.App, cfg Config, network string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket == nil {
		s.app, s.cfg, s.log, s.network = app, cfg, cfg.Log, network
	}
}

// Serve serves both until one of them fails, or Shutdown.
func (b *beside) Serve() error {
	b.mu.Lock()
	origin, both := b.origin, b.both
	b.mu.Unlock()
	if origin == nil {
		return b.h3.Serve() // which says what is wrong
	}
	b.advertise(origin)
	defer b.withdraw()
	if !both {
		return b.h3.Serve()
	}
	ended := make(chan error, 2)
	go func() { ended <- origin.Serve() }()
	go func() {
		defer b.withdraw()
		ended <- b.h3.Serve()
	}()
	if err := <-ended; err != nil {
		return err
	}
	return <-ended
}

// advertise tells clients of the other server.
func (b *beside) advertise(origin tako.Origin) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if v := b.h3.altSvc(); v != "" && !b.ends {
		origin.Advertise(v)
	}
}

// withdraw takes that back, for good.
func (b *beside) withdraw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.origin != nil && !b.ends {
		b.origin.Advertise("")
	}
	b.ends = true
}

// altSvc is the value of the field, "" for none.
func (s *Server) altSvc() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.NoAltSvc || s.socket == nil {
		return ""
	}
	port := s.cfg.AltSvcPort
	if port == 0 {
		udp, ok := s.socket.LocalAddr().(*net.UDPAddr)
		if !ok {
			return ""
		}
		port = udp.Port
	}
	return `h3=":` + strconv.Itoa(port) + `"; ma=` + strconv.FormatInt(int64(s.cfg.AltSvcMaxAge/time.Second), 10)
}

// Addr is that of the other server if it is part of this one, else that of HTTP/3.
func (b *beside) Addr() net.Addr {
	if web := b.part(); web != nil {
		return web.Addr()
	}
	return b.h3.Addr()
}

// part returns the other server if it is part of this one.
func (b *beside) part() tako.Origin {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.both {
		return b.origin
	}
	return nil
}

// Describe names both.
func (b *beside) Describe() string {
	if d, ok := b.part().(tako.Describable); ok {
		return d.Describe() + " + " + b.h3.Describe()
	}
	return b.h3.Describe()
}

// BeginDrain begins the drain of both.
func (b *beside) BeginDrain() {
	b.withdraw()
	b.h3.BeginDrain()
	if d, ok := b.part().(tako.Drainer); ok {
		d.BeginDrain()
	}
}

// Shutdown drains both at the same time. Both reports are added up.
func (b *beside) Shutdown(ctx context.Context) (tako.Report, error) {
	b.BeginDrain()
	web := b.part()
	if web == nil {
		return b.h3.Shutdown(ctx)
	}
	var report tako.Report
	var err error
	var group sync.WaitGroup
	group.Go(func() { report, err = web.Shutdown(ctx) })
	own, ownErr := b.h3.Shutdown(ctx)
	group.Wait()
	report.Add(own)
	return report, errors.Join(err, ownErr)
}

// Reloads reports whether there are certificates that nobody else reloads. Before Listen, when
// [tako.Run] asks, those of the other server count, as it may become part of this one; that
// they are read twice if it does not does no harm.
func (b *beside) Reloads() bool {
	b.mu.Lock()
	origin, both := b.origin, b.both
	b.mu.Unlock()
	if origin == nil {
		origin, both = b.web.(tako.Origin)
		both = both && origin.Site().Certs != nil
	}
	return both || b.cfg.Certs != nil
}

// Reload reads the certificates again.
func (b *beside) Reload(ctx context.Context) error {
	web, ok := b.part().(tako.Reloader)
	if !ok {
		return b.h3.Reload(ctx)
	}
	err := web.Reload(ctx)
	if b.cfg.Certs != nil {
		err = errors.Join(err, b.h3.Reload(ctx))
	}
	return err
}

// Yield returns the files of HTTP/3, and behind them the sockets of the other server if that
// is part of this one.
func (b *beside) Yield() ([]*os.File, func() error, error) {
	files, letGo, err := b.h3.Yield()
	web := b.part()
	if err != nil || web == nil {
		return files, letGo, err
	}
	owner, ok := web.(tako.SocketOwner)
	if !ok {
		err = fmt.Errorf("h3: yield: a %T does not share its sockets: %w", web, errors.ErrUnsupported)
	} else {
		var more []*os.File
		if more, err = owner.Sockets(); err == nil {
			return append(files, more...), letGo, nil
		}
	}
	closeFiles(files)
	return nil, nil, err
}

// Succeed takes over what Yield returned.
func (b *beside) Succeed(files []*os.File) error {
	rest, err := b.h3.take(files)
	if err != nil || len(rest) == 0 {
		return err
	}
	if owner, ok := b.web.(tako.SocketOwner); ok {
		return owner.Inherit(rest)
	}
	closeFiles(rest)
	return fmt.Errorf("h3: succeed: a %T takes no sockets over: %w", b.web, errors.ErrUnsupported)
}
