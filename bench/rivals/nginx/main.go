// Command nginx runs the nginx that is installed. It answers GET /, and files if it is
// asked for them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
)

func main() {
	h2c := flag.Bool("h2c", false, "speak HTTP/2 in clear text")
	pair := flag.String("tls", "", "speak TLS with the certificate and key in this `file`")
	static := flag.String("static", "", "serve the files of this `folder` below /static/")
	ln := boot.Listen()
	if err := run(ln, *h2c, *pair, *static); err != nil {
		boot.Fail(err)
	}
}

// run ends with nginx, which ends with this process.
func run(ln net.Listener, h2c bool, pair, static string) error {
	dir, err := os.MkdirTemp("", "bench-nginx-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	config := filepath.Join(dir, "nginx.conf")
	text := configText(dir, ln.Addr().String(), boot.Workers(), h2c, pair, static)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	socket, err := ln.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	cmd := exec.Command("nginx", "-p", dir, "-c", config)
	cmd.Stderr = os.Stderr
	// As when a new nginx takes over from an old one: it finds the listener as this descriptor.
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.ExtraFiles = []*os.File{socket}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	// Start has made the listener block, which nginx takes as it is: a worker would wait for a
	// connection that another one has got.
	if err := syscall.SetNonblock(int(socket.Fd()), true); err != nil {
		_ = cmd.Process.Kill()
		return err
	}
	_ = socket.Close()
	_ = ln.Close()
	go func() {
		<-signals
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}()
	err = cmd.Wait()
	if ended := new(exec.ExitError); errors.As(err, &ended) {
		return fmt.Errorf("nginx: %w", err)
	}
	return err
}
