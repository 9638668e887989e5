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
			return loop.New(app, loop.Config{Addr: cfg.Addr, Listener: ln, Limits: cfg.Limits, Log: cfg.Log, Poller: poller, Loops: 2}), nil
		},
		OpenConns: func(s tako.Server) int64 { return s.(*loop.Server).Stats().Conns },
	}
}

func TestSuiteEpoll(t *testing.T) { runtimetest.Run(t, target("epoll")) }

func TestSuiteIOUring(t *testing.T) { runtimetest.Run(t, target("io_uring")) }
