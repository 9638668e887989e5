//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package transport_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// A fileOwner is a socket of the net package.
type fileOwner interface {
	File() (*os.File, error)
}

// handed returns the sockets as files to pass on, and closes them here.
func handed(t *testing.T, sockets ...any) []*os.File {
	t.Helper()
	var files []*os.File
	for _, s := range sockets {
		file, err := s.(fileOwner).File()
		assert.NoError(t, err)
		t.Cleanup(func() { _ = file.Close() })
		files = append(files, file)
		if u, ok := s.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		assert.NoError(t, s.(io.Closer).Close())
	}
	return files
}

func tcp(t *testing.T, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	assert.NoError(t, err)
	return ln
}

func udp(t *testing.T) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	return conn
}

func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tako")
	assert.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func local(t *testing.T, path string) net.Listener {
	t.Helper()
	ln, err := net.Listen("unix", path)
	assert.NoError(t, err)
	return ln
}

// hears checks that a child answers at an address.
func hears(t *testing.T, addr net.Addr) {
	t.Helper()
	conn, err := net.Dial(addr.Network(), addr.String())
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	want := "child"
	if addr.Network() == "udp" {
		_, err := conn.Write([]byte(want))
		assert.NoError(t, err)
	}
	buf := make([]byte, len(want))
	_, err = io.ReadFull(conn, buf)
	assert.NoError(t, err)
	assert.Equal(t, string(buf), want)
}

const ours = "LISTEN_PID=$$ "

func TestActivated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), "s")
	web, sock, dns, two := tcp(t, "127.0.0.1:0"), local(t, path), udp(t), tcp(t, "127.0.0.1:0")
	files := handed(t, web, sock, dns, two)
	p := activate(t, "export "+ours+"LISTEN_FDS=4 LISTEN_FDNAMES=web:app:dns:web;", files,
		"sockets", "open", "name web", "name app", "packet dns", "name dns", "packet web", "name web", "name web", "name none", "name 1", "sockets")
	list := "[fd 3 web: tcp %[1]v%[2]s fd 4 app: unix %[3]v%[2]s fd 5 dns: udp %[4]v%[2]s fd 6 web: tcp %[5]v%[2]s]"
	assert.Equal(t, p.line(), fmt.Sprintf(list, web.Addr(), "", path, dns.LocalAddr(), two.Addr()))
	assert.Equal(t, p.line(), "open:", "for programs that it starts")
	assert.Equal(t, p.line(), "*net.TCPListener "+web.Addr().String())
	assert.Equal(t, p.line(), "*unixsock.Listener "+path)
	assert.Equal(t, p.line(), "*net.UDPConn "+dns.LocalAddr().String())
	assert.Equal(t, p.line(), "error: transport: fd 5 is taken: each socket can be had once")
	assert.Equal(t, p.line(), "error: transport: fd 3 is taken: each socket can be had once; fd 6 is no datagram socket: it is for streams")
	assert.Equal(t, p.line(), "*net.TCPListener "+two.Addr().String())
	assert.Equal(t, p.line(), "error: transport: fd 3 is taken: each socket can be had once; fd 6 is taken: each socket can be had once")
	assert.Contains(t, p.line(), `no socket "none" was passed: there are fd 3 web: tcp `+web.Addr().String()+", taken; fd 4")
	assert.Contains(t, p.line(), "fd 4 is taken")
	assert.Equal(t, p.line(), fmt.Sprintf(list, web.Addr(), ", taken", path, dns.LocalAddr(), two.Addr()))
	for _, addr := range []net.Addr{web.Addr(), sock.Addr(), dns.LocalAddr(), two.Addr()} {
		hears(t, addr)
	}
}

func TestActivatedByIndex(t *testing.T) {
	t.Parallel()
	a, b := tcp(t, "127.0.0.1:0"), udp(t)
	p := activate(t, "export "+ours+"LISTEN_FDS=2;", handed(t, a, b), "sockets", "name 2", "name 0", "packet 1")
	assert.Equal(t, p.line(), fmt.Sprintf("[fd 3 unknown: tcp %v fd 4 unknown: udp %v]", a.Addr(), b.LocalAddr()))
	assert.Contains(t, p.line(), `no socket "2" was passed`)
	assert.Equal(t, p.line(), "*net.TCPListener "+a.Addr().String())
	assert.Equal(t, p.line(), "*net.UDPConn "+b.LocalAddr().String())
	hears(t, a.Addr())
	hears(t, b.LocalAddr())
}

func TestActivatedByAddress(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), "s")
	web, every, sock, dns := tcp(t, "127.0.0.1:0"), tcp(t, ":0"), local(t, path), udp(t)
	_, port, err := net.SplitHostPort(every.Addr().String())
	assert.NoError(t, err)
	p := activate(t, "export "+ours+"LISTEN_FDS=4;", handed(t, web, every, sock, dns),
		"listen tcp "+web.Addr().String(), "listen tcp :"+port, "listen unix "+path, "listenpacket udp "+dns.LocalAddr().String(),
		"listen tcp "+web.Addr().String(), "listen tcp 127.0.0.1:0", "listen tcp 127.0.0.1:x", "listen udp :1", "listenpacket tcp :1")
	assert.Equal(t, p.line(), "*net.TCPListener "+web.Addr().String())
	assert.Equal(t, p.line(), "*net.TCPListener "+every.Addr().String())
	assert.Equal(t, p.line(), "*unixsock.Listener "+path)
	assert.Equal(t, p.line(), "*net.UDPConn "+dns.LocalAddr().String())
	assert.Equal(t, p.line(), "error: transport: fd 3 is taken: each socket can be had once")
	assert.Contains(t, p.line(), "*net.TCPListener 127.0.0.1:") // its own
	assert.Contains(t, p.line(), "unknown port")
	assert.Contains(t, p.line(), "unknown network udp")
	assert.Contains(t, p.line(), "unknown network tcp")
	for _, addr := range []net.Addr{web.Addr(), sock.Addr(), dns.LocalAddr()} {
		hears(t, addr)
	}
}

func TestActivatedByList(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), "s")
	web, sock, dns, raw := tcp(t, "127.0.0.1:0"), local(t, path), udp(t), tcp(t, "127.0.0.1:0")
	p := activate(t, "export "+ours+"LISTEN_FDS=4 LISTEN_FDNAMES=web:app:dns:raw;", handed(t, web, sock, dns, raw),
		"list http://"+web.Addr().String()+",unix://"+path+"?mode=0600,udp://fd:dns,tcp://fd:6")
	assert.Equal(t, p.line(), fmt.Sprintf("*net.TCPListener %v; *unixsock.Listener %v; *net.UDPConn %v; *net.TCPListener %v",
		web.Addr(), path, dns.LocalAddr(), raw.Addr()))
	for _, addr := range []net.Addr{web.Addr(), sock.Addr(), dns.LocalAddr(), raw.Addr()} {
		hears(t, addr)
	}
}

// runit, s6 and catflap pass descriptors without telling; that of s6 and inetd is stdin.
func TestPlainDescriptors(t *testing.T) {
	t.Parallel()
	zero, three, four := tcp(t, "127.0.0.1:0"), tcp(t, "127.0.0.1:0"), udp(t)
	files := handed(t, zero, three, four)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "sockets", "fd 3", "fd 3", "fd 4", "fdpacket 4", "fd 0", "stdin", "fd 99", "fd -1")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.Stdin, cmd.ExtraFiles = files[0], files[1:]
	p := run(t, cmd)
	assert.Equal(t, p.line(), "[]")
	assert.Equal(t, p.line(), "*net.TCPListener "+three.Addr().String())
	assert.Equal(t, p.line(), "error: transport: fd 3 is taken: each socket can be had once")
	assert.Equal(t, p.line(), "error: transport: fd 4 is no listener: it is for datagrams")
	assert.Equal(t, p.line(), "*net.UDPConn "+four.LocalAddr().String())
	assert.Equal(t, p.line(), "*net.TCPListener "+zero.Addr().String())
	assert.Equal(t, p.line(), `"" <nil>`)
	assert.Contains(t, p.line(), "fd 99: getsockopt: bad file descriptor")
	assert.Contains(t, p.line(), "not negative")
	for _, addr := range []net.Addr{zero.Addr(), three.Addr(), four.LocalAddr()} {
		hears(t, addr)
	}
}

func TestActivationEnvironment(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, env, want string }{
		{"none", "", "there are none: LISTEN_FDS is not set"},
		{"no pid", "export LISTEN_FDS=1;", "LISTEN_FDS is not set"},
		{"of another process", "export LISTEN_PID=1 LISTEN_FDS=1;", "there are none: LISTEN_PID is 1, and this is process "},
		{"bad pid", "export LISTEN_PID=me LISTEN_FDS=1;", `LISTEN_PID is "me"`},
		{"bad number", "export " + ours + "LISTEN_FDS=one;", `LISTEN_FDS is "one"`},
		{"negative", "export " + ours + "LISTEN_FDS=-1;", `LISTEN_FDS is "-1"`},
		{"huge", "export " + ours + "LISTEN_FDS=2147483647;", "must be a number up to 1024"},
		{"more than there are", "export " + ours + "LISTEN_FDS=900;", "LISTEN_FDS is 900: there is no fd"},
		{"names too few", "export " + ours + "LISTEN_FDS=2 LISTEN_FDNAMES=web;", "as many names as LISTEN_FDS says, 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := activate(t, tt.env, handed(t, tcp(t, "127.0.0.1:0")), "name web", "sockets", "open", "listen tcp 127.0.0.1:0")
			text := p.line()
			assert.Contains(t, text, tt.want)
			assert.Contains(t, text, "error: transport: ")
			assert.Equal(t, p.line(), "[]")
			assert.Equal(t, p.line() == "open: 3" || tt.name == "more than there are", true, "no variables left")
			wrong := tt.name != "none" && tt.name != "no pid" && tt.name != "of another process"
			assert.Equal(t, p.line()[:6] == "error:", wrong, "listening itself")
		})
	}
}

// What is passed may be no socket, and not what a server needs.
func TestActivatedOthers(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	plain, err := os.Create(filepath.Join(dir, "f"))
	assert.NoError(t, err)
	defer plain.Close()
	packet, err := net.Listen("unixpacket", filepath.Join(dir, "p"))
	assert.NoError(t, err)
	gram, err := net.ListenPacket("unixgram", filepath.Join(dir, "g"))
	assert.NoError(t, err)
	client, server := connected(t)
	defer client.Close()
	files := append([]*os.File{plain}, handed(t, packet, gram, server)...)
	p := activate(t, "export "+ours+"LISTEN_FDS=4;", files, "name 0", "name 1", "packet 2", "name 3")
	assert.Equal(t, p.line(), "error: transport: fd 3 is no listener: it is no socket that is known here")
	assert.Equal(t, p.line(), "error: transport: fd 4 is no listener: it is of network unixpacket")
	assert.Equal(t, p.line(), "*net.UnixConn "+filepath.Join(dir, "g"))
	assert.Contains(t, p.line(), "fd 6 is no listener: it is a stream socket that does not listen")
}

func TestSystemdSocketActivate(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Skip("systemd-socket-activate is not installed")
	}
	start := func(options []string, orders ...string) *supervised {
		args := append(options, "--setenv="+childEnv+"=1", os.Args[0])
		return run(t, exec.CommandContext(t.Context(), program, append(args, orders...)...))
	}
	dir := shortDir(t)
	path, datagrams := filepath.Join(dir, "s"), filepath.Join(dir, "d")
	port := tcp(t, "127.0.0.1:0")
	web := port.Addr()
	assert.NoError(t, port.Close())
	p := start([]string{"--listen=" + web.String(), "--listen=" + path, "--fdname=web:app"},
		"sockets", "listen tcp "+web.String(), "name app", "open")
	reach(t, "tcp", web.String())
	hears(t, web)
	hears(t, &net.UnixAddr{Name: path, Net: "unix"})
	assert.Equal(t, p.line(), fmt.Sprintf("[fd 3 web: tcp %v fd 4 app: unix %v]", web, path))
	assert.Equal(t, p.line(), "*net.TCPListener "+web.String())
	assert.Equal(t, p.line(), "*unixsock.Listener "+path)
	assert.Equal(t, p.line(), "open:")

	p = start([]string{"--datagram", "--listen=" + datagrams}, "packet 0")
	reach(t, "unixgram", datagrams)
	assert.Equal(t, p.line(), "*net.UnixConn "+datagrams)
}

// reach waits for somebody to listen, and wakes him.
func reach(t *testing.T, network, addr string) {
	t.Helper()
	assert.Eventually(t, patience, "a socket at "+addr, func() bool {
		conn, err := net.Dial(network, addr)
		if err != nil {
			return false
		}
		defer conn.Close()
		if network == "unixgram" {
			_, err = conn.Write([]byte("wake"))
		}
		return err == nil
	})
}

// Without sockets that were passed, functions listen themselves.
func TestListen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, network := range []string{"tcp", "tcp4", "tcp6", "unix"} {
		addr := map[string]string{"tcp": "localhost:0", "tcp4": "127.0.0.1:0", "tcp6": "[::1]:0", "unix": filepath.Join(shortDir(t), "s")}[network]
		ln, err := transport.Listen(network, addr)(ctx)
		assert.NoError(t, err, network)
		conn, err := net.Dial(ln.Addr().Network(), ln.Addr().String())
		assert.NoError(t, err)
		assert.NoError(t, conn.Close())
		assert.NoError(t, ln.Close())
	}
	if _, err := transport.Listen("vsock", "x")(ctx); err == nil {
		t.Error("got no error for a bad port of vsock")
	}
}
