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
		return std.New(app, std.Config{Addr: cfg.Addr, Listener: ln, Limits: cfg.Limits, Certs: cfg.Certs, HTTP2: cfg.HTTP2, Proxy: cfg.Proxy, Listen: cfg.Listen, Log: cfg.Log}), nil
	},
	OpenConns: func(s tako.Server) int64 { return s.(*std.Server).Stats().Conns },
	Skip: map[string]string{
		"H1-01": "net/http drops a Content-Length beside Transfer-Encoding before anybody can see it, and goes on",
		"H1-04": "net/http drops the Transfer-Encoding of an HTTP/1.0 request before anybody can see it",

		"H1-05/trailing-space":     "net/http ignores white space behind a chunk size",
		"H1-10/leading-empty-line": "net/http refuses an empty line before a request, which a server should ignore",
	},
}

func TestSuite(t *testing.T) { runtimetest.Run(t, suiteTarget) }

func TestSuiteHTTP2(t *testing.T) { runtimetest.Run(t, suiteTarget.Over(runtimetest.HTTP2)) }

func TestSuiteH2C(t *testing.T) {
	if testing.Short() {
		t.Skip("the same as over TLS but for that")
	}
	runtimetest.Run(t, suiteTarget.Over(runtimetest.H2C))
}
