package transport_test

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// plain is an endpoint without its functions, which cannot be compared.
func plain(e transport.Endpoint) transport.Endpoint {
	e.Listen, e.ListenPacket = nil, nil
	return e
}

func TestParseListen(t *testing.T) {
	t.Parallel()
	proxied := tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"10.0.0.0/8", "::1"}, Timeout: 2 * time.Second}
	tests := []struct {
		entry string
		want  transport.Endpoint
		text  string // "" is the entry
	}{
		{"http://:8080", transport.Endpoint{Protocol: transport.HTTP, Scheme: "http", Network: "tcp", Address: ":8080"}, ""},
		{"HTTPS://LocalHost:0443", transport.Endpoint{Protocol: transport.HTTPS, Scheme: "https", Network: "tcp", Address: "localhost:443"}, "https://localhost:443"},
		{"h3://[0:0::1]:443", transport.Endpoint{Protocol: transport.H3, Scheme: "h3", Network: "udp", Address: "[::1]:443"}, "h3://[::1]:443"},
		{"tcp://127.0.0.1:0", transport.Endpoint{Protocol: transport.TCP, Scheme: "tcp", Network: "tcp", Address: "127.0.0.1:0"}, ""},
		{"tls://[fe80::1%eth0]:1", transport.Endpoint{Protocol: transport.TLS, Scheme: "tls", Network: "tcp", Address: "[fe80::1%eth0]:1"}, ""},
		{"udp://:53", transport.Endpoint{Protocol: transport.UDP, Scheme: "udp", Network: "udp", Address: ":53"}, ""},
		{"unix:///run/x.sock", transport.Endpoint{Protocol: transport.HTTP, Scheme: "unix", Network: "unix", Address: "/run/x.sock"}, ""},
		{"https+unix:///run/a%2Cb%3f", transport.Endpoint{Protocol: transport.HTTPS, Scheme: "https+unix", Network: "unix", Address: "/run/a,b?"}, "https+unix:///run/a%2Cb%3F"},
		{"unix://@name", transport.Endpoint{Protocol: transport.HTTP, Scheme: "unix", Network: "unix", Address: "@name"}, ""},
		{"tcp+unix:///x?group=www&mode=660&owner=7", transport.Endpoint{Protocol: transport.TCP, Scheme: "tcp+unix", Network: "unix", Address: "/x",
			Unix: transport.UnixConfig{Mode: 0o660, Owner: "7", Group: "www"}}, "tcp+unix:///x?mode=0660&owner=7&group=www"},
		{"vsock://8080", transport.Endpoint{Protocol: transport.HTTP, Scheme: "vsock", Network: "vsock", Address: "8080"}, ""},
		{"tcp+vsock://2:8080", transport.Endpoint{Protocol: transport.TCP, Scheme: "tcp+vsock", Network: "vsock", Address: "2:8080"}, ""},
		{"tls+vsock://4294967295:1", transport.Endpoint{Protocol: transport.TLS, Scheme: "tls+vsock", Network: "vsock", Address: "1"}, "tls+vsock://1"},
		{"http://fd:3", transport.Endpoint{Protocol: transport.HTTP, Scheme: "http", Network: "fd", Address: "3"}, ""},
		{"udp://fd:my%20dns", transport.Endpoint{Protocol: transport.UDP, Scheme: "udp", Network: "fd", Address: "my dns"}, ""},
		{"http://:80?proxy=required&proxy-timeout=2s&proxy-from=10.0.0.0/8&proxy-from=::1", transport.Endpoint{Protocol: transport.HTTP, Scheme: "http", Network: "tcp",
			Address: ":80", Proxy: proxied}, "http://:80?proxy=required&proxy-from=10.0.0.0/8&proxy-from=::1&proxy-timeout=2s"},
	}
	var all []string
	for _, tt := range tests {
		got, err := transport.ParseListen(tt.entry)
		assert.NoError(t, err, tt.entry)
		assert.Equal(t, len(got), 1, tt.entry)
		assert.Equal(t, plain(got[0]), tt.want, tt.entry)
		packets := tt.want.Protocol == transport.H3 || tt.want.Protocol == transport.UDP
		assert.Equal(t, got[0].Listen == nil, packets, tt.entry, ": Listen")
		assert.Equal(t, got[0].ListenPacket != nil, packets, tt.entry, ": ListenPacket")
		if tt.text == "" {
			tt.text = tt.entry
		}
		assert.Equal(t, got[0].String(), tt.text)
		all = append(all, tt.entry)
	}
	for _, separator := range []string{",", " ", "\n", ", ", ",\t,"} {
		got, err := transport.ParseListen(separator + strings.Join(all, separator) + separator)
		assert.NoError(t, err)
		for i, e := range got {
			assert.Equal(t, plain(e), tests[i].want)
		}
	}
}

func TestParseListenRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ list, want string }{
		{"", "it is empty"},
		{" , ", "it is empty"},
		{":8080", "must be scheme://address"},
		{"http://:1,:8080", `entry 2, ":8080"`},
		{"ftp://:1", `unknown scheme "ftp": it must be http`},
		{"http+pipe://:1", "unknown scheme"},
		{"unix+unix:///x", "unknown scheme"},
		{"+unix:///x", "unknown scheme"},
		{"h3+unix:///x", "needs datagrams"},
		{"udp+vsock://1", "needs datagrams"},
		{"http://", "it must be host:port"},
		{"http://localhost", "missing port in address"},
		{"http://:http", "number from 0 to 65535"},
		{"http://:65536", "number from 0 to 65535"},
		{"http://:-1", "number from 0 to 65535"},
		{"http://:80/", "host:port only"},
		{"http://me@host:80", "host:port only"},
		{"http://ho$t:80", "neither a name nor an IP"},
		{"http://::1:80", "too many colons"},
		{"unix://run/x", "must begin with / or @"},
		{"unix:///", "has no name"},
		{"unix:///a%zz", "invalid URL escape"},
		{"unix:///a%00", "NUL"},
		{"vsock://", "neither a port nor"},
		{"vsock://any:1", "neither a port nor"},
		{"vsock://4294967296", "neither a port nor"},
		{"http://fd:", "1 to 255 bytes"},
		{"http://fd:a:b", "colon"},
		{"http://fd:3,udp://fd:03", "in the list already: http://fd:3"},
		{"http://:1 https://:1", "in the list already: http://:1"},
		{"unix:///x unix:///x", "in the list already"},
		{"http://:1?mode=0600", `option "mode": http over tcp has proxy`},
		{"unix:///x?made=0600", `option "made": http over unix has mode, owner, group, proxy`},
		{"udp://:1?proxy=required", `option "proxy": udp over udp has none`},
		{"unix:///x?mode=0800", "octal number"},
		{"unix:///x?mode=1777", "octal number"},
		{"unix:///x?mode=0", "octal number"},
		{"unix:///x?mode=0600&mode=0660", "2 times"},
		{"unix:///x?mode", "has no value"},
		{"unix:///x?mode=1;owner=2", "semicolon"},
		{"http://:1?proxy=on", "required, optional or ignore"},
		{"http://:1?proxy=required", "needs proxy-from"},
		{"http://:1?proxy-from=10.0.0.0/8", "without proxy="},
		{"http://:1?proxy=ignore&proxy-from=ten", "neither a network nor an address"},
		{"http://:1?proxy=ignore&proxy-from=::/0&proxy-timeout=0s", "positive duration"},
	}
	for _, tt := range tests {
		got, err := transport.ParseListen(tt.list)
		if err == nil {
			t.Errorf("%s: got %v, want an error", tt.list, got)
			continue
		}
		assert.Contains(t, err.Error(), tt.want, tt.list)
	}
	for _, list := range []string{"http://127.0.0.1:0,https://127.0.0.1:0", "http://fd:web,https://fd:web", "https://:1,h3://:1", "vsock://0,tcp+vsock://0"} {
		_, err := transport.ParseListen(list)
		assert.NoError(t, err, list)
	}
}

// Each sort of entry does listen.
func TestParseListenListens(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "tako")
	assert.NoError(t, err)
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "s")
	list := "http://127.0.0.1:0,https://localhost:0,tcp://127.0.0.1:0,udp://127.0.0.1:0,h3://127.0.0.1:0"
	if hasUnix {
		list += ",unix://" + path + "?mode=0604"
	}
	endpoints, err := transport.ParseListen(list)
	assert.NoError(t, err)
	for _, e := range endpoints {
		if e.ListenPacket != nil {
			conn, err := e.ListenPacket(t.Context())
			assert.NoError(t, err, e)
			assert.Equal(t, reflect.TypeOf(conn), reflect.TypeFor[*net.UDPConn]())
			assert.NoError(t, conn.Close())
			continue
		}
		ln, err := e.Listen(t.Context())
		assert.NoError(t, err, e)
		if e.Network == "unix" {
			info, err := os.Lstat(path)
			assert.NoError(t, err)
			assert.Equal(t, info.Mode().Perm(), 0o604)
		}
		conn, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
		assert.NoError(t, err)
		assert.NoError(t, conn.Close())
		assert.NoError(t, ln.Close())
	}
	if _, err := os.Lstat(path); hasUnix && err == nil {
		t.Error("the file is still there")
	}
}

func FuzzParseListen(f *testing.F) {
	for _, seed := range []string{"http://:8080,https://localhost:443", "h3://[::1%lo]:1", "unix:///run/a%2Cb?mode=0600&owner=o%20o&group=3", "unix://@x",
		"tcp+vsock://2:8080 tls+vsock://1", "http://fd:3,udp://fd:we%25b", "http://:80?proxy=required&proxy-from=10.0.0.0/8&proxy-from=::1&proxy-timeout=2s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		endpoints, err := transport.ParseListen(list)
		if err != nil {
			if endpoints != nil {
				t.Errorf("got endpoints and error %v", err)
			}
			return
		}
		var entries []string
		for _, e := range endpoints {
			entries = append(entries, e.String())
		}
		again, err := transport.ParseListen(strings.Join(entries, ","))
		assert.NoError(t, err, entries)
		assert.Equal(t, len(again), len(endpoints))
		for i, e := range again {
			assert.Equal(t, plain(e), plain(endpoints[i]))
			assert.Equal(t, e.String(), entries[i])
		}
	})
}
