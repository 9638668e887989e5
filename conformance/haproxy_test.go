package conformance_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// proxied are the options of a listener that demands a PROXY header of HAProxy and nginx.
const proxied = "?proxy=required&proxy-from=127.0.0.1"

// calls is how often each way through a proxy is asked.
const calls = 200

const haproxyDefaults = `
global
	stats socket %s mode 600 level admin
	ssl-server-verify none
	no numa-cpu-mapping
	nbthread 1
defaults
	mode http
	retries 0
	timeout connect 20s
	timeout client 60s
	timeout server 60s
	timeout check 5s
`

// A way is a frontend of HAProxy and its backend.
type way struct {
	name    string
	options string // of its listener
	mode    string // lines of frontend and backend
	backend string // the server line, with %s for an address
	server  int    // which of the addresses
}

// startHAProxy runs HAProxy with these ways to the server.
func startHAProxy(t *testing.T, s *server, ways []way) (f *front, stats string) {
	t.Helper()
	program := tool(t, "haproxy")
	// The path of a Unix socket is short.
	stats = filepath.Join(lastingDir(t), "stats")
	config := new(strings.Builder)
	fmt.Fprintf(config, haproxyDefaults, stats)
	for i, w := range ways {
		fmt.Fprintf(config, "listen %s\n\tbind fd@%d %s\n%s\n\tserver s "+w.backend+"\n", w.name, i+3, w.options, w.mode, s.addrs[w.server])
	}
	file := writeFile(t, "haproxy.cfg", config.String())
	f = startFront(t, len(ways), func([]string) *exec.Cmd { return exec.Command(program, "-db", "-f", file) })
	return f, stats
}

// throughHAProxy is one way with what the server is to see.
type throughHAProxy struct {
	way
	client *tls.Config // nil for clients without TLS
	check  func(t *testing.T, got seen)
}

// The servers of TestHAProxy by their place in the list.
const (
	behindProxy = iota
	behindProxyTLS
	plain
	rawBehindProxy
	rawBehindProxyTLS
)

const haproxyListen = "http://127.0.0.1:0" + proxied + " https://127.0.0.1:0" + proxied + " http://127.0.0.1:0" +
	" tcp://127.0.0.1:0" + proxied + " tls://127.0.0.1:0" + proxied

// Types of PROXY protocol, version 2.
const (
	typeAuthority = 0x02
	typeCRC32C    = 0x03
	typeUniqueID  = 0x05
	typeSSL       = 0x20
)

func haproxyWays(t *testing.T) []throughHAProxy {
	_, cert := certificate(t, "balancer.example")
	clientCert, clientCA := certificate(t, "octo.example")
	insecure := &tls.Config{InsecureSkipVerify: true, ServerName: "shop.example"}
	named := insecure.Clone()
	named.Certificates = []tls.Certificate{clientCert}
	version := func(n int) func(*testing.T, seen) {
		return func(t *testing.T, got seen) {
			assert.Equal(t, got.Proxy.Version, n)
			assert.Equal(t, got.Scheme, "http")
			assert.Equal(t, got.Protocol, "HTTP/1.1")
		}
	}
	const unique = "\tunique-id-format id-%pid-%rt\n"
	secure := "ssl crt " + cert + " verify optional ca-file " + clientCA + " alpn h2,http/1.1"
	tlsOptions := "proxy-v2-options ssl,cert-cn,ssl-cipher,cert-sig,cert-key,authority,crc32c,unique-id"
	return []throughHAProxy{
		{way{"v1", "", "", "%s send-proxy", behindProxy}, nil, version(1)},
		{way{"v2", "", unique, "%s send-proxy-v2 proxy-v2-options crc32c,unique-id", behindProxy}, nil, func(t *testing.T, got seen) {
			version(2)(t, got)
			assert.Contains(t, got.Proxy.UniqueID, "id-")
			assert.Equal(t, slices.Contains(got.Proxy.Types, typeCRC32C), true, "a checksum")
			assert.Equal(t, slices.Contains(got.Proxy.Types, typeUniqueID), true, "an id")
		}},
		{way{"https", secure, unique, "%s send-proxy-v2 " + tlsOptions, behindProxy}, named, func(t *testing.T, got seen) {
			checkTLV(t, got)
			assert.Equal(t, got.Proxy.TLS.CommonName, "octo.example")
			assert.Equal(t, got.Proxy.TLS.ConnCert && got.Proxy.TLS.Verified, true, "a good client certificate")
		}},
		{way{"https-h2", secure, unique, "%s proto h2 send-proxy-v2 " + tlsOptions, behindProxy}, insecure, func(t *testing.T, got seen) {
			checkTLV(t, got)
			assert.Equal(t, got.Protocol, "HTTP/2")
			assert.Equal(t, got.Proxy.TLS.ConnCert || got.Proxy.TLS.Verified, false, "a client certificate")
		}},
		{way{"ssl-cn", secure, "", "%s send-proxy-v2-ssl-cn", behindProxy}, named, func(t *testing.T, got seen) {
			assert.Equal(t, got.Scheme, "https")
			assert.Equal(t, got.Proxy.TLS.CommonName, "octo.example")
		}},
		{way{"passthrough", "", "\tmode tcp\n", "%s send-proxy-v2", behindProxyTLS}, insecure, func(t *testing.T, got seen) {
			assert.Equal(t, got.Scheme, "https")
			assert.Equal(t, got.ALPN, "h2")
			assert.Equal(t, got.Proxy.Version, 2)
		}},
		{way{"again", secure, "", "%s ssl alpn h2 send-proxy", behindProxyTLS}, insecure, func(t *testing.T, got seen) {
			assert.Equal(t, got.ALPN, "h2")
			assert.Equal(t, got.Proxy.Version, 1)
		}},
		{way{"h2", "", "", "%s proto h2 send-proxy-v2", behindProxy}, nil, func(t *testing.T, got seen) {
			assert.Equal(t, got.Protocol, "HTTP/2")
			assert.Equal(t, got.Scheme, "http")
		}},
		{way{"h2-plain", "", "\toption forwardfor\n", "%s proto h2", plain}, nil, func(t *testing.T, got seen) {
			assert.Equal(t, got.Protocol, "HTTP/2")
		}},
		{way{"forwarded", secure, "\toption forwardfor\n\thttp-request set-header X-Forwarded-Proto https\n", "%s", plain}, insecure, func(t *testing.T, got seen) {
			assert.Equal(t, got.Protocol, "HTTP/1.1")
			assert.Equal(t, got.Scheme, "https")
		}},
	}
}

// checkTLV is what HAProxy tells of the TLS that it has taken off.
func checkTLV(t *testing.T, got seen) {
	t.Helper()
	assert.Equal(t, got.Scheme, "https")
	assert.Equal(t, got.Fields["X-Forwarded-Proto"], []string{"https"})
	assert.Equal(t, got.Proxy.Authority, "shop.example")
	assert.Contains(t, got.Proxy.UniqueID, "id-")
	assert.Equal(t, got.Proxy.TLS.Used, true, "TLS")
	assert.Equal(t, got.Proxy.TLS.Version, "TLSv1.3")
	assert.Contains(t, got.Proxy.TLS.Cipher, "TLS_")
	for _, of := range []int{typeAuthority, typeCRC32C, typeUniqueID, typeSSL} {
		assert.Equal(t, slices.Contains(got.Proxy.Types, of), true, "type ", of)
	}
}

// TestHAProxy has HAProxy in front in all its ways, with clients from eight addresses that
// lie about them.
func TestHAProxy(t *testing.T) {
	tool(t, "haproxy")
	eachRuntime(t, func(t *testing.T, to target) {
		s := start(t, to.with("-listen", haproxyListen, "-trusted", "127.0.0.1"))
		all := haproxyWays(t)
		var ways []way
		for _, w := range all {
			ways = append(ways, w.way)
		}
		ways = append(ways, way{"raw", "", "\tmode tcp\n", "%s send-proxy", rawBehindProxy},
			way{"raw-tls", "", "\tmode tcp\n", "%s ssl send-proxy-v2", rawBehindProxyTLS})
		f, _ := startHAProxy(t, s, ways)
		for i, w := range all {
			t.Run(w.name, func(t *testing.T) { w.run(t, f.addrs[i]) })
		}
		for i, name := range []string{"raw", "raw-tls"} {
			t.Run(name, func(t *testing.T) { rawCalls(t, f.addrs[len(all)+i], i+1) })
		}
	})
}

func (w throughHAProxy) run(t *testing.T, addr string) {
	var callers []*caller
	for i := range 8 {
		callers = append(callers, callFrom(t, fmt.Sprintf("127.0.0.%d", i+2), addr, w.client))
	}
	for i := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
		c := callers[i%len(callers)]
		got, from, err := c.info(ctx)
		cancel()
		assert.NoError(t, err, "request ", i)
		assert.Equal(t, got.Client, hostOf(from), "request ", i)
		if w.server == plain {
			assert.Equal(t, hostOf(got.Remote), "127.0.0.1", "request ", i)
			assert.Equal(t, got.Proxy, nil, "request ", i)
		} else {
			assert.Equal(t, got.Remote, from, "request ", i)
			assert.Equal(t, got.Local, addr, "request ", i)
			assert.Equal(t, got.Fields["X-Forwarded-For"], []string{hostOf(from)}, "request ", i)
			assert.Equal(t, len(got.Fields["X-Real-Ip"]), 0, "request ", i)
			assert.Equal(t, hostOf(got.Proxy.Proxy), "127.0.0.1", "request ", i)
			assert.Equal(t, got.Proxy.Local, false, "request ", i)
		}
		w.check(t, got)
		if i%50 == 49 {
			c.client.CloseIdleConnections()
		}
	}
}

// rawCalls has raw streams echoed that begin with the client's address.
func rawCalls(t *testing.T, addr string, version int) {
	for i := range calls {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%8))}, Timeout: startLimit}
		conn, err := dialer.Dial("tcp", addr)
		assert.NoError(t, err)
		assert.NoError(t, conn.SetDeadline(time.Now().Add(peerLimit)))
		message := fmt.Sprintf("message %d\n", i)
		_, err = io.WriteString(conn, message)
		assert.NoError(t, err)
		assert.NoError(t, conn.(*net.TCPConn).CloseWrite())
		got, err := io.ReadAll(conn)
		assert.NoError(t, err, "connection ", i)
		assert.Equal(t, string(got), fmt.Sprintf("tcp %s proxy %d\n%s", conn.LocalAddr(), version, message), "connection ", i)
		assert.NoError(t, conn.Close())
	}
}

// TestHAProxyChecks has health checks, which are the balancer's own connections.
func TestHAProxyChecks(t *testing.T) {
	tool(t, "haproxy")
	eachRuntime(t, func(t *testing.T, to target) {
		s := start(t, to.with("-listen", haproxyListen, "-trusted", "127.0.0.1"))
		const check, check2 = "\toption httpchk GET /ready\n", "\toption httpchk\n\thttp-check send meth GET uri /ready ver HTTP/1.1 hdr Host shop.example\n"
		const often = " check check-send-proxy inter 1s"
		ways := []way{
			{"v1", "", check, "%s send-proxy" + often, behindProxy},
			{"v2", "", check2, "%s send-proxy-v2 proxy-v2-options crc32c" + often, behindProxy},
			{"h2", "", check2, "%s proto h2 send-proxy-v2" + often, behindProxy},
			{"tls", "", check2, "%s ssl send-proxy-v2 check-ssl" + often, behindProxyTLS},
			{"l4", "", "\tmode tcp\n", "%s send-proxy" + often, rawBehindProxy},
		}
		f, stats := startHAProxy(t, s, ways)
		client := callFrom(t, "127.0.0.9", f.addrs[0], nil)
		assert.Eventually(t, peerLimit, "ten checks", func() bool { return len(client.text(t, "/checks")) >= 2 })
		for _, w := range ways {
			want := "L7OK"
			if w.name == "l4" {
				want = "L4OK"
			}
			assert.Eventually(t, peerLimit, w.name+" is up", func() bool {
				row := statistics(t, stats, w.name)
				if row["chkfail"] != "0" && row["chkfail"] != "" {
					t.Fatalf("%s: a check failed: %v", w.name, row)
				}
				return row["status"] == "UP" && row["check_status"] == want
			})
		}
	})
}

// statistics asks HAProxy for the counters of the server of a way.
func statistics(t *testing.T, socket, name string) map[string]string {
	t.Helper()
	conn, err := net.DialTimeout("unix", socket, startLimit)
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(startLimit)))
	_, err = io.WriteString(conn, "show stat\n")
	assert.NoError(t, err)
	rows, err := csv.NewReader(bufio.NewReader(conn)).ReadAll()
	assert.NoError(t, err)
	for _, row := range rows[1:] {
		if row[0] != name || row[1] != "s" {
			continue
		}
		values := map[string]string{}
		for i, key := range rows[0] {
			values[key] = row[i]
		}
		return values
	}
	t.Fatalf("no row %s in %v", name, rows)
	return nil
}
