package loop_test

import (
	"net"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/runtimetest"
	"github.com/tako-go/tako/runtime/loop"
)

func target(poller string) runtimetest.Target {
	return runtimetest.Target{
		Name: "loop/" + poller,
		Start: func(cfg runtimetest.ServerConfig, app tako.App, ln net.Listener) (tako.Server, error) {
			return loop.New(app, loop.Config{Addr: cfg.Addr, Listener: ln, Limits: cfg.Limits, Certs: cfg.Certs, HTTP2: cfg.HTTP2, Proxy: cfg.Proxy, Listen: cfg.Listen, Log: cfg.Log, Poller: poller, Loops: 2}), nil
		},
		Harmless: map[string]string{
			"H1-12/stalled-unread-chunk/limit-off":    "a chunked body that nobody reads ends the connection at once",
			"H1-20/malformed/let-through":             "a malformed trailer is refused before a handler could tell it",
			"SD-07/upload/cut-at-once":                "it may end while the loops stop accepting, before the cut",
			"SD-07/download-with-trailer/cut-at-once": "it may end while the loops stop accepting, before the cut",
			"SD-01/pipelined/cut-at-once":             "what was pipelined was answered before the shutdown begins",
		},
		OpenConns: func(s tako.Server) int64 { return s.(*loop.Server).Stats().Conns },
	}
}

func TestSuiteEpoll(t *testing.T) { runtimetest.Run(t, target("epoll")) }

func TestSuiteEpollHTTP2(t *testing.T) { runtimetest.Run(t, target("epoll").Over(runtimetest.HTTP2)) }

func TestSuiteIOUringTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("the same as over epoll but for the poller")
	}
	runtimetest.Run(t, target("io_uring").Over(runtimetest.HTTP1TLS))
}

func TestSuiteIOUringH2C(t *testing.T) {
	if testing.Short() {
		t.Skip("the same as over epoll but for the poller")
	}
	runtimetest.Run(t, target("io_uring").Over(runtimetest.H2C))
}
