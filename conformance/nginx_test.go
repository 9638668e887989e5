package conformance_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// nginxModule is where Debian has the module of streams, which not every package of nginx has.
const nginxModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

const nginxConfig = `
load_module %[1]s;
daemon off;
user root;
worker_processes 1;
pid %[2]s/pid;
error_log stderr warn;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body;
	proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi;
	uwsgi_temp_path %[2]s/uwsgi;
	scgi_temp_path %[2]s/scgi;
	client_max_body_size 0;
	keepalive_requests 100000;
	proxy_http_version 1.1;
	proxy_request_buffering off;
	proxy_next_upstream off;
	proxy_set_header Connection "";
	proxy_set_header Host shop.example;
	proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
	proxy_set_header X-Forwarded-Proto https;
	upstream unix { server unix:%[3]s; keepalive 8; }
	upstream tcp { server %[4]s; keepalive 8; }
	upstream grpc { server %[4]s; keepalive 8; }
	server { listen %[6]s; location / { proxy_pass http://unix; } }
	server { listen %[7]s; location / { proxy_pass http://tcp; } }
	server { listen %[8]s http2; location / { grpc_pass grpc://grpc; } }
}
stream {
	proxy_protocol on;
	server { listen %[9]s; proxy_pass %[5]s; }
	server { listen %[10]s; proxy_pass %[11]s; }
}
`

// startNginx runs nginx in front of a server that listens on: a Unix socket, TCP, TCP behind
// PROXY, and TLS behind PROXY.
func startNginx(t *testing.T, s *server, path string) *front {
	t.Helper()
	program, dir := tool(t, "nginx"), lastingDir(t)
	return startFront(t, 5, func(addrs []string) *exec.Cmd {
		values := []any{nginxModule, dir, path, s.addrs[1], s.addrs[2]}
		inherited := "NGINX="
		for i, addr := range addrs {
			values = append(values, addr)
			inherited += fmt.Sprintf("%d;", i+3)
		}
		config := filepath.Join(dir, "nginx.conf")
		assert.NoError(t, os.WriteFile(config, fmt.Appendf(nil, nginxConfig, append(values, s.addrs[3])...), 0o600))
		cmd := exec.Command(program, "-p", dir, "-c", config, "-e", "stderr")
		cmd.Env = append(os.Environ(), inherited)
		return cmd
	})
}

// TestNginx has nginx in front: over a Unix socket and over TCP with connections that are kept,
// with gRPC over HTTP/2, and with streams that begin with a PROXY header.
func TestNginx(t *testing.T) {
	tool(t, "nginx")
	if _, err := os.Stat(nginxModule); err != nil {
		tool(t, "libnginx-mod-stream") // is none, and skips
	}
	eachRuntime(t, func(t *testing.T, to target) {
		path := filepath.Join(lastingDir(t), "s")
		list := "unix://" + path + " http://127.0.0.1:0 http://127.0.0.1:0" + proxied + " https://127.0.0.1:0" + proxied
		s := start(t, to.with("-listen", list, "-trusted", "unix,127.0.0.1"))
		f := startNginx(t, s, path)
		for i, transport := range []string{"unix", "tcp"} {
			t.Run(transport, func(t *testing.T) { forwardedByNginx(t, f.addrs[i], transport) })
		}
		t.Run("grpc", func(t *testing.T) { grpcThroughNginx(t, f.addrs[2]) })
		t.Run("proxy", func(t *testing.T) {
			c := callFrom(t, "127.0.0.9", f.addrs[3], nil)
			streamedByNginx(t, c, "HTTP/1.1")
		})
		t.Run("proxy-tls", func(t *testing.T) {
			c := callFrom(t, "127.0.0.9", f.addrs[4], insecureTLS())
			streamedByNginx(t, c, "HTTP/2")
		})
	})
}

func forwardedByNginx(t *testing.T, addr, transport string) {
	c := callFrom(t, "127.0.0.9", addr, nil)
	remotes := map[string]bool{}
	for i := range calls {
		got, from, err := c.info(callContext(t))
		assert.NoError(t, err, "request ", i)
		assert.Equal(t, got.Client, hostOf(from), "request ", i)
		assert.Equal(t, got.Scheme, "https", "request ", i)
		assert.Equal(t, got.Host, "shop.example", "request ", i)
		assert.Equal(t, got.Protocol, "HTTP/1.1", "request ", i)
		assert.Equal(t, got.Transport, transport, "request ", i)
		if transport == "unix" {
			assert.Equal(t, got.Peer != nil && got.Peer.PID > 0, true, "request ", i, " of a known process")
		}
		remotes[got.Remote] = true
	}
	assert.Equal(t, len(remotes), 1, "connections to the server")
	// Bodies both ways, the upload without a length.
	const size = 4 << 20
	want := digest(t, bigBytes(size))
	resp, err := c.client.Post(c.url+"/sum", "", bigBytes(size))
	assert.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, string(read(t, resp.Body)), fmt.Sprintf("%s %d\n", want, size))
	resp, err = c.client.Get(fmt.Sprintf("%s/big/%d", c.url, size))
	assert.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, digest(t, resp.Body), want)
}

func grpcThroughNginx(t *testing.T, addr string) {
	s := &server{addr: addr, host: hostOf(addr), port: strings.TrimPrefix(addr, hostOf(addr)+":")}
	cc := grpcClient(t, s)
	for i := range calls {
		in, out := bytes.Repeat([]byte{byte(i)}, 100*i), []byte("other")
		assert.NoError(t, cc.Invoke(callContext(t), service+"Unary", &in, &out), "call ", i)
		assert.Equal(t, bytes.Equal(in, out), true, "call ", i)
	}
}

func streamedByNginx(t *testing.T, c *caller, protocol string) {
	for i := range calls {
		got, from, err := c.info(callContext(t))
		assert.NoError(t, err, "request ", i)
		assert.Equal(t, got.Remote, from, "request ", i)
		assert.Equal(t, got.Client, hostOf(from), "request ", i)
		assert.Equal(t, got.Protocol, protocol, "request ", i)
		assert.Equal(t, got.Proxy.Version, 1, "request ", i)
		if i%20 == 19 {
			c.client.CloseIdleConnections()
		}
	}
}
