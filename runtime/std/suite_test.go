package std_test

import (
	"net"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/runtimetest"
	"github.com/tako-go/tako/runtime/std"
)

var suiteTarget = runtimetest.Target{
	Name: "std",
	Start: func(cfg runtimetest.ServerConfig, app tako.App, ln net.Listener) (tako.Server, error) {
		return std.New(app, std.Config{Addr: cfg.Addr, Listener: ln, Limits: cfg.Limits, Log: cfg.Log}), nil
	},
	OpenConns: func(s tako.Server) int64 { return s.(*std.Server).Stats().Conns },
	Skip:      map[string]string{},
}

func TestSuite(t *testing.T) { runtimetest.Run(t, suiteTarget) }

func TestSuiteFaults(t *testing.T) { runtimetest.RunFaults(t, suiteTarget) }
