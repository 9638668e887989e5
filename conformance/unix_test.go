package conformance_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// TestCurlProxyHeader has curl send PROXY headers, before TLS too.
func TestCurlProxyHeader(t *testing.T) {
	curl := tool(t, "curl")
	const other = "192.0.2.9"
	newer := strings.Contains(output(t, curl, "--help", "all"), "--haproxy-clientip")
	if !newer {
		t.Log("not tried: this curl has no --haproxy-clientip, which came with 8.2")
	}
	eachRuntime(t, func(t *testing.T, to target) {
		s := start(t, to.with("-listen", haproxyListen, "-trusted", "127.0.0.1"))
		for i, scheme := range []string{"http", "https"} {
			url := scheme + "://" + s.addrs[i] + "/info"
			for _, version := range []string{"--http1.1", "--http2", "--http2-prior-knowledge"} {
				args := []string{"--silent", "--show-error", "--fail", "--insecure", "--max-time", "50", version}
				out := output(t, curl, append(args, "--haproxy-protocol", "--write-out", "\n%{local_ip}:%{local_port}", url)...)
				body, from, _ := strings.Cut(out, "\n")
				got := parseSeen(t, body)
				assert.Equal(t, got.Remote, from, scheme, version)
				assert.Equal(t, got.Scheme, scheme, version)
				assert.Equal(t, got.Proxy.Version, 1, scheme, version)
				assert.Equal(t, got.Proxy.Proxy, from, scheme, version)
				if newer {
					got = parseSeen(t, output(t, curl, append(args, "--haproxy-clientip", other, url)...))
					assert.Equal(t, got.Client, other, scheme, version)
				}
				for why, wrong := range map[string][]string{
					"no header":          nil,
					"who is not trusted": {"--haproxy-protocol", "--interface", "127.0.0.9"},
				} {
					out, err := command(t, curl, append(append(args, wrong...), url)...)
					assert.Equal(t, err != nil, true, scheme, version, why, out)
				}
			}
		}
	})
}

func parseSeen(t *testing.T, text string) seen {
	t.Helper()
	var got seen
	assert.NoError(t, json.Unmarshal([]byte(text), &got), text)
	return got
}

// TestCurlUnix has HTTP over Unix sockets, with a path and abstract, in clear and over TLS.
func TestCurlUnix(t *testing.T) {
	curl := tool(t, "curl")
	const size = 4 << 20
	file := bigFile(t, size)
	sum := fmt.Sprintf("%s %d\n", digest(t, bigBytes(size)), size)
	eachRuntime(t, func(t *testing.T, to target) {
		path := filepath.Join(lastingDir(t), "s")
		name := "conformance" + strings.ReplaceAll(path, "/", "-")
		list := "unix://" + path + "?mode=0600 unix://@" + name + " https+unix://" + path + "s https+unix://@" + name + "s"
		s := start(t, to.with("-listen", list))
		stat, err := os.Stat(path)
		assert.NoError(t, err)
		assert.Equal(t, stat.Mode().Perm(), os.FileMode(0o600))
		sockets := [][]string{{"--unix-socket", path}, {"--abstract-unix-socket", name},
			{"--unix-socket", path + "s"}, {"--abstract-unix-socket", name + "s"}}
		for i, socket := range sockets {
			origin := "http://localhost"
			if i > 1 {
				origin = "https://localhost"
			}
			for version, want := range map[string]string{"--http1.1": "HTTP/1.1", "--http2-prior-knowledge": "HTTP/2"} {
				args := append([]string{"--silent", "--show-error", "--fail", "--insecure", "--max-time", "50", version}, socket...)
				got := parseSeen(t, output(t, curl, append(args, origin+"/info")...))
				assert.Equal(t, got.Protocol, want, socket, version)
				assert.Equal(t, got.Transport, "unix", socket, version)
				assert.Equal(t, got.Host, "localhost", socket, version)
				if got.Peer == nil || got.Peer.PID == 0 || got.Peer.UID != os.Getuid() || got.Peer.GID != os.Getgid() {
					t.Errorf("%v %s: got peer %+v, want this user's", socket, version, got.Peer)
				}
				assert.Equal(t, output(t, curl, append(args, "--upload-file", file, origin+"/sum")...), sum, socket, version)
				down := filepath.Join(t.TempDir(), "down")
				output(t, curl, append(args, "--output", down, fmt.Sprintf("%s/big/%d", origin, size))...)
				f, err := os.Open(down)
				assert.NoError(t, err)
				assert.Equal(t, fmt.Sprintf("%s %d\n", digest(t, f), size), sum, socket, version)
				assert.NoError(t, f.Close())
			}
		}
		s.drain()
		<-s.quiet
		for _, path := range []string{path, path + "s"} {
			_, err := os.Lstat(path)
			assert.ErrorIs(t, err, os.ErrNotExist)
		}
	})
}

// TestH2loadUnix demands that nothing fails over a Unix socket.
func TestH2loadUnix(t *testing.T) {
	h2load := tool(t, "h2load")
	eachRuntime(t, func(t *testing.T, to target) {
		path := filepath.Join(lastingDir(t), "s")
		s := start(t, to.with("-listen", "unix://"+path+" https+unix://"+path+"s"))
		assert.Equal(t, len(s.addrs), 2)
		for _, args := range [][]string{
			{"-n", "2000", "-c", "10", "-m", "20", "-T", "30", "-B", "unix:" + path, "http://localhost/"},
			{"-n", "2000", "-c", "10", "--h1", "-T", "30", "-B", "unix:" + path, "http://localhost/"},
			{"-n", "400", "-c", "4", "-m", "10", "-T", "30", "-B", "unix:" + path, "http://localhost/big/100000"},
			{"-n", "2000", "-c", "10", "-m", "20", "-T", "30", "-B", "unix:" + path + "s", "https://localhost/"},
		} {
			out := output(t, h2load, args...)
			assert.Contains(t, out, fmt.Sprintf("%s done, %s succeeded, 0 failed, 0 errored, 0 timeout", args[1], args[1]))
		}
	})
}
