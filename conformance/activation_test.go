package conformance_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// freeAddr returns an address that nothing uses: the port is free now, and the host, somewhere
// in 127.0.0.0/8, is used by nothing else.
func freeAddr(t *testing.T, network string) string {
	t.Helper()
	host := net.IPv4(127, byte(100+rand.IntN(100)), byte(rand.IntN(256)), byte(1+rand.IntN(250))).String() + ":0"
	if network == "udp" {
		conn, err := net.ListenPacket(network, host)
		assert.NoError(t, err)
		defer conn.Close()
		return conn.LocalAddr().String()
	}
	ln, err := net.Listen(network, host)
	assert.NoError(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// A manager listens for what a service tells its service manager.
type manager struct {
	t    *testing.T
	path string
	conn *net.UnixConn
	got  []string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(lastingDir(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	assert.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return &manager{t: t, path: path, conn: conn}
}

// await reads until one message has this line.
func (m *manager) await(line string) {
	m.t.Helper()
	assert.NoError(m.t, m.conn.SetReadDeadline(time.Now().Add(startLimit)))
	buf := make([]byte, 4096)
	for {
		n, err := m.conn.Read(buf)
		assert.NoError(m.t, err, "the service manager waits for ", line, " after ", m.got)
		m.got = append(m.got, string(buf[:n]))
		if slices.Contains(strings.Split(string(buf[:n]), "\n"), line) {
			return
		}
	}
}

// nothing demands that there was no message since.
func (m *manager) nothing() {
	m.t.Helper()
	assert.NoError(m.t, m.conn.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	n, err := m.conn.Read(make([]byte, 4096))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		m.t.Errorf("got a message of %d bytes, %v, want none", n, err)
	}
}

// activate has systemd's tool listen, and start the server with its first client.
func activate(t *testing.T, to target, m *manager, sockets ...string) *server {
	t.Helper()
	args := append(sockets, "-E", "NOTIFY_SOCKET="+m.path, "-E", "GOCOVERDIR", binary)
	s := launch(t, to, exec.Command(tool(t, "systemd-socket-activate"), append(args, to.args...)...))
	count := 0
	for _, arg := range sockets {
		if arg == "-l" {
			count++
		}
	}
	assert.Eventually(t, startLimit, "the tool of systemd listens", func() bool {
		return strings.Count(s.stderr.String(), "Listening on") == count
	})
	return s
}

// TestActivation has the server started by its first client, with sockets of TCP and Unix.
func TestActivation(t *testing.T) {
	tool(t, "systemd-socket-activate")
	eachRuntime(t, func(t *testing.T, to target) {
		m := newManager(t)
		a := &activated{web: freeAddr(t, "tcp"), raw: freeAddr(t, "tcp"), path: filepath.Join(lastingDir(t), "s")}
		to = to.with("-listen", "http://fd:web unix://"+a.path+" tcp://"+a.raw+" http://127.0.0.1:0")
		a.server = activate(t, to, m, "-l", a.web, "-l", a.path, "-l", a.raw, "--fdname=web:local:raw")
		m.nothing()
		a.ask(t) // the first request waits in the queue for the program
		a.awaitUp(t)
		assert.Equal(t, a.addrs[:3], []string{a.web, a.path, a.raw})
		m.await("READY=1")
		a.ask(t)
		a.drain()
		m.await("STOPPING=1")
		<-a.quiet
		_, err := os.Lstat(a.path)
		assert.NoError(t, err, "the manager's socket stays")
	})
}

// TestActivationReplaced hands what was passed on to a new process.
func TestActivationReplaced(t *testing.T) {
	tool(t, "systemd-socket-activate")
	eachRuntime(t, func(t *testing.T, to target) {
		m := newManager(t)
		a := &activated{web: freeAddr(t, "tcp"), raw: freeAddr(t, "tcp"), path: filepath.Join(lastingDir(t), "s")}
		to = to.with("-listen", "http://fd:web http://fd:local tcp://fd:raw")
		a.server = activate(t, to, m, "-l", a.web, "-l", a.path, "-l", a.raw, "--fdname=web:local:raw")
		a.ask(t)
		a.awaitUp(t)
		m.await("READY=1")
		for range 3 {
			before := a.pid
			a.replace(t)
			m.await(fmt.Sprintf("MAINPID=%d", a.pid))
			assert.Eventually(t, peerLimit, "the process before has ended", func() bool { return gone(before) })
			a.ask(t)
		}
	})
}

// activated is a server on sockets that were passed to it.
type activated struct {
	*server
	web, raw, path string
}

// ask wants an answer over each socket, of the process that is the server now.
func (a *activated) ask(t *testing.T) {
	t.Helper()
	curl := []string{"--silent", "--show-error", "--fail", "--max-time", "50"}
	got := parseSeen(t, output(t, tool(t, "curl"), append(curl, "http://"+a.web+"/info")...))
	assert.Equal(t, got.Local, a.web)
	assert.Equal(t, got.PID, a.pid)
	got = parseSeen(t, output(t, tool(t, "curl"), append(curl, "--unix-socket", a.path, "http://localhost/info")...))
	assert.Equal(t, got.Transport, "unix")
	assert.Equal(t, got.PID, a.pid)
	conn, err := net.Dial("tcp", a.raw)
	assert.NoError(t, err)
	defer conn.Close()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(peerLimit)))
	line, err := bufio.NewReader(conn).ReadString('\n')
	assert.NoError(t, err)
	assert.Equal(t, line, fmt.Sprintf("tcp %s\n", conn.LocalAddr()))
}

// TestActivationDatagrams is the same with UDP, raw and HTTP/3, and Unix datagrams.
func TestActivationDatagrams(t *testing.T) {
	tool(t, "systemd-socket-activate")
	t.Parallel()
	m := newManager(t)
	dir := lastingDir(t)
	raw, quic, path := freeAddr(t, "udp"), freeAddr(t, "udp"), filepath.Join(dir, "s")
	to := target{args: []string{"-listen", "udp://fd:dns h3://fd:web udp://fd:gram"}}
	s := activate(t, to, m, "-d", "-l", raw, "-l", quic, "-l", path, "--fdname=dns:web:gram")
	m.nothing()
	conn, err := net.Dial("udp", raw)
	assert.NoError(t, err)
	defer conn.Close()
	echoesDatagrams(t, conn, "udp "+conn.LocalAddr().String()+"\n")
	s.awaitUp(t)
	assert.Equal(t, s.addrs, []string{raw, quic, path})
	m.await("READY=1")
	gram, err := net.DialUnix("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "c"), Net: "unixgram"}, &net.UnixAddr{Name: path, Net: "unixgram"})
	assert.NoError(t, err)
	defer gram.Close()
	echoesDatagrams(t, gram, "unix "+filepath.Join(dir, "c"))
	got := parseSeen(t, string(read(t, ask3(t, h3Client(t), http.MethodGet, "https://"+quic+"/info", nil).Body)))
	assert.Equal(t, got.Local, quic)
	s.drain()
	m.await("STOPPING=1")
}

func echoesDatagrams(t *testing.T, conn net.Conn, from string) {
	t.Helper()
	assert.NoError(t, conn.SetDeadline(time.Now().Add(startLimit)))
	buf := make([]byte, 4096)
	for i := range 100 {
		text := fmt.Appendf(nil, "datagram %d", i)
		_, err := conn.Write(text)
		assert.NoError(t, err)
		n, err := conn.Read(buf)
		assert.NoError(t, err, "datagram ", i)
		assert.Equal(t, strings.HasPrefix(string(buf[:n]), from) && bytes.HasSuffix(buf[:n], text), true, string(buf[:n]))
	}
}
