package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// Options of the list hold for what listens, whatever serves it.
func TestProxied(t *testing.T) {
	const options = "://127.0.0.1:0?proxy=required&proxy-from=127.0.0.1"
	list := "http" + options + ",https" + options + ",tcp" + options + ",tls" + options
	for _, kind := range []string{"std", "loop"} {
		t.Run(kind, func(t *testing.T) {
			o := start(t, settings{listen: list, runtime: kind, demo: true, drain: patience})
			assert.Contains(t, o.banner, ", PROXY required")
			for _, protocol := range []string{"http", "https", "tcp", "tls"} {
				for _, proxied := range []bool{false, true} {
					assert.Equal(t, answers(t, o.addr(protocol), protocol, proxied), proxied, protocol)
				}
			}
			_, err := o.end()
			assert.NoError(t, err)
		})
	}
}

// answers reports whether there is an answer, behind a header of the PROXY protocol or without.
func answers(t *testing.T, addr, protocol string, proxied bool) bool {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	if proxied {
		_, err = io.WriteString(conn, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n")
		assert.NoError(t, err)
	}
	if protocol == "https" || protocol == "tls" {
		conn = tls.Client(conn, trusting())
	}
	question := "ping\n"
	if protocol == "http" || protocol == "https" {
		question = "GET /healthz HTTP/1.1\r\nHost: reef\r\n\r\n"
	}
	if _, err = io.WriteString(conn, question); err != nil {
		return false
	}
	r := bufio.NewReader(conn)
	if question == "ping\n" {
		line, _ := r.ReadString('\n')
		return line == "pong\n"
	}
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == 200
}

// Without files there is a certificate all the same.
func TestCertificates(t *testing.T) {
	own, err := settings{}.certs()
	assert.NoError(t, err)
	if _, self := own.(*transport.SelfSignedCerts); !self {
		t.Errorf("got %T", own)
	}
}
