package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// reference serves the same routes by net/http alone, to tell what a suite says
// about a server of ours from what it says about everybody.
type reference struct {
	app   tako.App
	addr  string
	certs tako.Certs
	log   *slog.Logger
	http  *http.Server
	ln    net.Listener

	draining  chan struct{}
	beginOnce sync.Once
}

func newReference(app tako.App, addr string, certs tako.Certs, log *slog.Logger) *reference {
	r := &reference{app: app, addr: addr, certs: certs, log: log, draining: make(chan struct{})}
	r.http = &http.Server{Handler: app, Protocols: new(http.Protocols), ReadHeaderTimeout: 10 * time.Second,
		ConnContext: r.connContext, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	r.http.Protocols.SetHTTP1(true)
	r.http.Protocols.SetHTTP2(true)
	r.http.Protocols.SetUnencryptedHTTP2(true)
	return r
}

func (r *reference) connContext(ctx context.Context, c net.Conn) context.Context {
	return tako.WithConn(ctx, &tako.Conn{Draining: r.draining,
		Info: &tako.ConnInfo{Transport: "tcp", Remote: c.RemoteAddr(), Local: c.LocalAddr()}})
}

func (r *reference) Listen(ctx context.Context) error {
	if err := r.app.Build(); err != nil {
		return err
	}
	if r.certs != nil {
		config, err := r.certs.TLS(ctx, []string{"h2", "http/1.1"}, r.log)
		if err != nil {
			return err
		}
		r.http.TLSConfig = config
	}
	var err error
	r.ln, err = net.Listen("tcp", r.addr)
	return err
}

func (r *reference) Serve() error {
	serve := r.http.Serve
	if r.certs != nil {
		serve = func(ln net.Listener) error { return r.http.ServeTLS(ln, "", "") }
	}
	if err := serve(r.ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (r *reference) Addr() net.Addr { return r.ln.Addr() }

func (r *reference) Shutdown(ctx context.Context) (tako.Report, error) {
	r.beginOnce.Do(func() { close(r.draining) })
	err := r.http.Shutdown(ctx)
	if err != nil {
		_ = r.http.Close()
	}
	return tako.Report{}, err
}
