//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package transport_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport"
)

// childEnv makes this test binary a program that was started with sockets: its arguments are
// what it does, and it serves until it is killed.
const childEnv = "TAKO_TEST_ACTIVATION"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) == "" {
		os.Exit(m.Run())
	}
	for _, order := range os.Args[1:] {
		what, arg, _ := strings.Cut(order, " ")
		fmt.Println(strings.ReplaceAll(obey(what, arg), "\n", "; "))
	}
	fmt.Println("end")
	select {}
}

// obey does one thing and returns what came of it.
func obey(what, arg string) string {
	ctx := context.Background()
	number, _ := strconv.Atoi(arg)
	network, addr, _ := strings.Cut(arg, " ")
	switch what {
	case "sockets":
		return fmt.Sprint(transport.Sockets())
	case "name":
		return serve(transport.Activated(arg)(ctx))
	case "packet":
		return answer(transport.ActivatedPacket(arg)(ctx))
	case "fd":
		return serve(transport.FD(number)(ctx))
	case "fdpacket":
		return answer(transport.FDPacket(number)(ctx))
	case "listen":
		return serve(transport.Listen(network, addr)(ctx))
	case "listenpacket":
		return answer(transport.ListenPacket(network, addr)(ctx))
	case "list":
		endpoints, err := transport.ParseListen(arg)
		if err != nil {
			return err.Error()
		}
		var said []string
		for _, e := range endpoints {
			if e.Listen != nil {
				said = append(said, serve(e.Listen(ctx)))
			} else {
				said = append(said, answer(e.ListenPacket(ctx)))
			}
		}
		return strings.Join(said, "; ")
	case "stdin":
		text, err := io.ReadAll(os.Stdin)
		return fmt.Sprintf("%q %v", text, err)
	case "open": // which of the descriptors programs that it starts would have
		out, err := exec.Command("/bin/sh", "-c", `for fd in 3 4 5 6 7; do (: <&$fd) 2>/dev/null && echo $fd; done; env | grep ^LISTEN_; :`).CombinedOutput()
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace("open: " + string(out))
	}
	return "no such order"
}

// serve answers each connection with "child".
func serve(ln net.Listener, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "child")
			_ = conn.Close()
		}
	}()
	return fmt.Sprintf("%T %v", ln, ln.Addr())
}

// answer answers each datagram with itself.
func answer(conn net.PacketConn, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	go func() {
		buf := make([]byte, 100)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(buf[:n], from)
		}
	}()
	return fmt.Sprintf("%T %v", conn, conn.LocalAddr())
}

// A supervised process is a child as who started it sees it.
type supervised struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

// line reads what an order brought; "" at the end.
func (p *supervised) line() string {
	p.lines.Scan()
	return p.lines.Text()
}

// run starts a program that ends with the test.
func run(t *testing.T, cmd *exec.Cmd) *supervised {
	t.Helper()
	out, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	cmd.Stderr = os.Stderr
	assert.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &supervised{cmd, bufio.NewScanner(out)}
}

// activate starts a child as a service manager does, with these sockets from 3 on. The
// variables are words of a shell, in which $$ is the child.
func activate(t *testing.T, env string, sockets []*os.File, orders ...string) *supervised {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", env + ` exec "$0" "$@"`, os.Args[0]}, orders...)...)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	cmd.ExtraFiles = sockets
	return run(t, cmd)
}
