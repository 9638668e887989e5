package conformance_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

// A wire is socat between a test and a socket.
type wire struct {
	t     *testing.T
	in    io.WriteCloser
	out   *bufio.Reader
	pid   int
	ended chan error
}

// socat connects to an address as socat writes it. When one side has ended the other may
// take so many seconds.
func socat(t *testing.T, address, seconds string) *wire {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerLimit)
	cmd := exec.CommandContext(ctx, tool(t, "socat"), "-t", seconds, "-", address)
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	assert.NoError(t, err)
	out, outEnd, err := os.Pipe()
	assert.NoError(t, err)
	cmd.Stdout, cmd.Stderr = outEnd, outEnd
	err = cmd.Start()
	_ = outEnd.Close()
	assert.NoError(t, err)
	w := &wire{t: t, in: in, out: bufio.NewReader(out), pid: cmd.Process.Pid, ended: make(chan error, 1)}
	go func() { w.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cancel()
		_ = in.Close()
		_ = out.Close()
		<-w.ended
	})
	return w
}

func (w *wire) send(text string) {
	w.t.Helper()
	_, err := io.WriteString(w.in, text)
	assert.NoError(w.t, err)
}

func (w *wire) line() string {
	w.t.Helper()
	line, err := w.out.ReadString('\n')
	assert.NoError(w.t, err, line)
	return strings.TrimSuffix(line, "\n")
}

// echoes demands that lines come back one by one, and all to the end after the last.
func (w *wire) echoes() {
	w.t.Helper()
	for i := range 100 {
		text := fmt.Sprintf("line %d", i)
		w.send(text + "\n")
		assert.Equal(w.t, w.line(), text)
	}
	w.send("the rest")
	assert.NoError(w.t, w.in.Close())
	rest, err := io.ReadAll(w.out)
	assert.NoError(w.t, err)
	assert.Equal(w.t, string(rest), "the rest")
}

// TestSocatStreams has raw streams over all that carries them.
func TestSocatStreams(t *testing.T) {
	tool(t, "socat")
	eachRuntime(t, func(t *testing.T, to target) {
		path := filepath.Join(lastingDir(t), "s")
		name := "conformance" + strings.ReplaceAll(path, "/", "-")
		s := start(t, to.with("-listen", "tcp://127.0.0.1:0 tls://127.0.0.1:0 tcp+unix://"+path+" tcp+unix://@"+name+
			" tls+unix://"+path+"s tcp://127.0.0.1:0"+proxied))
		for _, tt := range []struct{ name, address, send, want string }{
			{"tcp", "TCP:" + s.addrs[0], "", "tcp 127.0.0.1:"},
			{"tls", "OPENSSL:" + s.addrs[1] + ",verify=0", "", "tcp 127.0.0.1:"},
			{"unix", "UNIX-CONNECT:" + path, "", "unix"},
			{"abstract", "ABSTRACT-CONNECT:" + name, "", "unix"},
			{"proxy", "TCP:" + s.addrs[5], "PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", "tcp [2001:db8::7]:4711 proxy 1"},
			{"proxy-unknown", "TCP:" + s.addrs[5], "PROXY UNKNOWN and so on\r\n", "tcp 127.0.0.1:"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				w := socat(t, tt.address, "20")
				w.send(tt.send)
				got := w.line()
				if !strings.HasPrefix(got, tt.want) {
					t.Fatalf("got %q, want %q", got, tt.want)
				}
				if tt.want == "unix" {
					assert.Contains(t, got, fmt.Sprintf(" pid %d", w.pid))
				}
				w.echoes()
			})
		}
	})
}

func TestSocatDatagrams(t *testing.T) {
	tool(t, "socat")
	t.Parallel()
	list, hosts := "udp://127.0.0.1:0", []string{"127.0.0.1"}
	if hasIPv6() {
		list, hosts = list+" udp://[::1]:0", append(hosts, "[::1]")
	}
	s := start(t, target{args: []string{"-listen", list}})
	for i, host := range hosts {
		socat(t, "UDP:"+s.addrs[i], "1").datagrams("udp " + host + ":")
	}
}

func hasIPv6() bool {
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		_ = ln.Close()
	}
	return err == nil
}

// datagrams has each one sent back behind a line that says who has sent it.
func (w *wire) datagrams(from string) {
	w.t.Helper()
	for i := range 100 {
		text := fmt.Sprintf("datagram %d", i)
		w.send(text + "\n")
		assert.Contains(w.t, w.line(), from)
		assert.Equal(w.t, w.line(), text)
	}
}

// TestSocatHTTP writes requests by hand to Unix sockets.
func TestSocatHTTP(t *testing.T) {
	tool(t, "socat")
	eachRuntime(t, func(t *testing.T, to target) {
		path := filepath.Join(lastingDir(t), "s")
		name := "conformance" + strings.ReplaceAll(path, "/", "-")
		start(t, to.with("-listen", "unix://"+path+" unix://@"+name))
		for _, address := range []string{"UNIX-CONNECT:" + path, "ABSTRACT-CONNECT:" + name} {
			w := socat(t, address, "0.2")
			w.asks()
		}
	})
}

// asks has two requests on one connection answered, the second one its last.
func (w *wire) asks() {
	w.t.Helper()
	w.send("GET /asset/1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /asset/2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	all, err := io.ReadAll(w.out)
	assert.NoError(w.t, err)
	assert.Contains(w.t, string(all), "asset 1HTTP/1.1 200 OK\r\n")
	assert.Equal(w.t, strings.HasSuffix(string(all), "\r\n\r\nasset 2"), true, string(all))
}

// TestSocatVSock has HTTP and raw streams over vsock, on kernels whose loopback works.
func TestSocatVSock(t *testing.T) {
	tool(t, "socat")
	if err := loopVSock(); err != nil {
		t.Skipf("vsock does not work here: %v", err)
	}
	eachRuntime(t, func(t *testing.T, to target) {
		s := start(t, to.with("-listen", "vsock://1:0 tcp+vsock://1:0"))
		port := func(i int) string { return s.addrs[i][strings.LastIndexByte(s.addrs[i], ':')+1:] }
		w := socat(t, "VSOCK-CONNECT:1:"+port(0), "0.2")
		w.asks()
		w = socat(t, "VSOCK-CONNECT:1:"+port(1), "20")
		assert.Contains(t, w.line(), "vsock ")
		w.echoes()
	})
}

// loopVSock tries vsock without anything of ours.
func loopVSock() error {
	ln, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(ln)
	if err := unix.Bind(ln, &unix.SockaddrVM{CID: unix.VMADDR_CID_LOCAL, Port: unix.VMADDR_PORT_ANY}); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	if err := unix.Listen(ln, 1); err != nil {
		return err
	}
	addr, err := unix.Getsockname(ln)
	if err != nil {
		return err
	}
	conn, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer unix.Close(conn)
	if err := unix.Connect(conn, addr); err != nil && err != unix.EINPROGRESS {
		return fmt.Errorf("connect: %w", err)
	}
	ready := []unix.PollFd{{Fd: int32(conn), Events: unix.POLLOUT}}
	if n, _ := unix.Poll(ready, 1000); n != 1 || ready[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0 {
		return fmt.Errorf("connect: events %x", ready[0].Revents)
	}
	return nil
}
