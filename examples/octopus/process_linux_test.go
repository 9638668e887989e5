package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// mainEnv makes this test binary the program.
const mainEnv = "TAKO_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// certify writes a certificate with a number, and its key.
func certify(t *testing.T, cert, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	assert.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	assert.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	assert.NoError(t, err)
	assert.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	assert.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
}

// serial is the number of the certificate at an address.
func serial(t *testing.T, addr string) int64 {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", addr, trusting())
	assert.NoError(t, err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// process is the program, and those that it has handed over to.
type process struct {
	cmd  *exec.Cmd
	log  chan string   // its lines
	gone chan struct{} // closed when the last process has ended
	octopus
}

// spawn starts the program with these files from descriptor 3 on.
func spawn(t *testing.T, files []*os.File, args ...string) *process {
	t.Helper()
	for tries := 1; ; tries++ {
		p, said := trySpawn(t, files, args...)
		if p != nil {
			return p
		}
		// Another program may have the UDP port that is like the TCP port.
		if tries == 5 || !strings.Contains(said, syscall.EADDRINUSE.Error()) {
			t.Fatalf("the program has ended: %s", said)
		}
	}
}

// trySpawn returns no process, and what it has said, if it ends before it is up.
func trySpawn(t *testing.T, files []*os.File, args ...string) (p *process, said string) {
	t.Helper()
	exe, err := os.Executable()
	assert.NoError(t, err)
	p = &process{cmd: exec.Command(exe, args...), log: make(chan string, 10_000), gone: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), mainEnv+"=1", "GORACE=atexit_sleep_ms=0")
	p.cmd.ExtraFiles = files
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, logEnd, err := os.Pipe()
	assert.NoError(t, err)
	p.cmd.Stdout, p.cmd.Stderr = logEnd, logEnd
	assert.NoError(t, p.cmd.Start())
	_ = logEnd.Close()
	go func() {
		defer close(p.gone)
		defer log.Close()
		defer close(p.log)
		for in := bufio.NewScanner(log); in.Scan(); {
			p.log <- in.Text()
		}
	}()
	t.Cleanup(func() {
		select {
		case <-p.gone:
		default:
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			<-p.gone
		}
	})
	p.urls = map[string]string{}
	for listens := regexp.MustCompile(`^  ([a-z0-9+]+://\S+)   `); ; {
		line, ok := p.next(t, "a line")
		if !ok {
			_ = p.cmd.Wait()
			return nil, said
		}
		said += line + "\n"
		if m := listens.FindStringSubmatch(line); m != nil {
			protocol, _, _ := strings.Cut(m[1], "://")
			p.urls[protocol] = m[1]
		}
		if strings.Contains(line, "Ctrl-C drains") {
			return p, said
		}
	}
}

// next returns the next line of the log; there is none when all processes have ended.
func (p *process) next(t *testing.T, what string) (line string, ok bool) {
	t.Helper()
	select {
	case line, ok = <-p.log:
	case <-time.After(patience):
		t.Fatalf("after %v still not: %s", patience, what)
	}
	return line, ok
}

// until returns the next line of the log that has a text.
func (p *process) until(t *testing.T, text string) string {
	t.Helper()
	for {
		line, ok := p.next(t, text)
		if !ok {
			t.Fatalf("the program has ended without a line with %q", text)
		}
		if strings.Contains(line, text) {
			return line
		}
	}
}

// awaitEnd waits until no process is left.
func (p *process) awaitEnd(t *testing.T) {
	t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		t.Fatal("a process is left")
	}
}

func (p *process) ask(t *testing.T) {
	t.Helper()
	askHTTP(t, &p.octopus)
	askHTTPS(t, &p.octopus)
	conn, err := net.Dial("tcp", p.addr("tcp"))
	assert.NoError(t, err)
	askLines(t, conn)
	askDatagrams(t, &p.octopus)
}

// SIGHUP brings a new certificate, SIGUSR2 a new process on all sockets, SIGTERM the end.
func TestSignals(t *testing.T) {
	for _, kind := range []string{"std", "loop"} {
		t.Run(kind, func(t *testing.T) { signals(t, kind) })
	}
}

func signals(t *testing.T, runtime string) {
	dir := shortTemp(t)
	t.Setenv("TMPDIR", dir)
	cert, key, socket := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "reef.sock")
	certify(t, cert, key, 1)
	p := spawn(t, nil, "-listen", everyProtocol+",unix://"+socket, "-cert", cert, "-key", key, "-runtime", runtime)
	p.ask(t)
	assert.Equal(t, serial(t, p.addr("https")), int64(1))
	certify(t, cert, key, 2)
	assert.NoError(t, syscall.Kill(p.cmd.Process.Pid, syscall.SIGHUP))
	p.until(t, "reloaded")
	assert.Equal(t, serial(t, p.addr("https")), int64(2))
	assert.Equal(t, serial(t, p.addr("tls")), int64(2))

	assert.NoError(t, syscall.Kill(p.cmd.Process.Pid, syscall.SIGUSR2))
	found := regexp.MustCompile(`pid=(\d+)`).FindStringSubmatch(p.until(t, "handed over pid="))
	assert.Equal(t, len(found), 2)
	p.ask(t)
	assert.NoError(t, p.cmd.Wait(), "the first process")
	p.ask(t)
	next, err := strconv.Atoi(found[1])
	assert.NoError(t, err)
	assert.NoError(t, syscall.Kill(next, syscall.SIGTERM))
	p.awaitEnd(t)
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	assert.NoError(t, err)
	assert.Equal(t, left, []string{cert, key})
}

// Sockets that the process was given are served, by their numbers.
func TestPassedSockets(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	stream, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer stream.Close()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer packets.Close()
	var files []*os.File
	for _, socket := range []any{stream, packets} {
		f, err := socket.(interface{ File() (*os.File, error) }).File()
		assert.NoError(t, err)
		defer f.Close()
		files = append(files, f)
	}
	p := spawn(t, files, "-listen", "http://fd:3 udp://fd:4")
	assert.Equal(t, p.addr("http"), stream.Addr().String())
	assert.Equal(t, p.addr("udp"), packets.LocalAddr().String())
	askHTTP(t, &p.octopus)
	askDatagrams(t, &p.octopus)
	assert.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, p.cmd.Wait())
	p.awaitEnd(t)
}
