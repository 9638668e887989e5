package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"

	"github.com/tako-go/tako"
)

// infoResult is what the server has seen of a request.
type infoResult struct {
	Protocol  string              `json:"protocol"`
	ALPN      string              `json:"alpn"`
	Host      string              `json:"host"`
	Target    string              `json:"target"`
	Fields    map[string][]string `json:"fields"`
	Scheme    string              `json:"scheme"`
	Client    string              `json:"client"`
	Transport string              `json:"transport"`
	Remote    string              `json:"remote"`
	Local     string              `json:"local"`
	Peer      *tako.PeerCred      `json:"peer,omitempty"`
	PID       int                 `json:"pid"`
	Proxy     *proxyInfo          `json:"proxy,omitempty"`
}

// proxyInfo is what a PROXY header has told.
type proxyInfo struct {
	Version   int            `json:"version"`
	Local     bool           `json:"local"`
	Proxy     string         `json:"proxy"`
	ALPN      string         `json:"alpn"`
	Authority string         `json:"authority"`
	UniqueID  string         `json:"unique_id"`
	TLS       *tako.ProxyTLS `json:"tls,omitempty"`
	Types     []int          `json:"types"`
}

func info(c *tako.Context) error {
	conn := c.ConnInfo()
	result := infoResult{Protocol: c.Protocol().String(), Host: c.Host(), Target: c.Target(), Fields: map[string][]string{},
		Scheme: c.Scheme(), Client: c.ClientIP().String(), Transport: conn.Transport,
		Remote: addrText(conn.Remote), Local: addrText(conn.Local), Peer: conn.Peer, PID: os.Getpid()}
	if conn.TLS != nil {
		result.ALPN = conn.TLS.NegotiatedProtocol
	}
	if h := conn.Proxy; h != nil {
		result.Proxy = &proxyInfo{Version: h.Version, Local: h.Local, Proxy: addrText(h.Proxy), ALPN: h.ALPN,
			Authority: h.Authority, UniqueID: string(h.UniqueID), TLS: h.TLS, Types: []int{}}
		for _, tlv := range h.TLVs {
			result.Proxy.Types = append(result.Proxy.Types, int(tlv.Type))
		}
	}
	for name, value := range c.RequestHeaders() {
		result.Fields[name] = append(result.Fields[name], value)
	}
	return c.JSON(http.StatusOK, result)
}

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// addChecks adds what a balancer asks for its health checks, and how often it has asked
// on a connection that its PROXY header called its own.
func addChecks(r *tako.Router) {
	var local atomic.Int64
	ready := tako.Ready()
	r.Get("/ready", func(c *tako.Context) error {
		if h := c.ConnInfo().Proxy; h != nil && h.Local {
			local.Add(1)
		}
		return ready(c)
	})
	r.Get("/checks", func(c *tako.Context) error { return c.Text(http.StatusOK, fmt.Sprint(local.Load())) })
}

// talk echoes what comes over an extended CONNECT.
func talk(c *tako.Context) error {
	conn, err := c.Upgrade()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.Copy(struct{ io.Writer }{conn}, conn); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
