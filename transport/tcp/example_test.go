package tcp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
)

// A server of lines, over TLS and for this machine only. tako.Run would run it beside others.
func ExampleNew() {
	measure := func(ctx context.Context, c *tcp.Conn) error {
		for lines := bufio.NewReader(c); ; {
			if lines.Buffered() == 0 {
				c.Idle() // a drain does not wait for the next line
			}
			line, err := lines.ReadString('\n')
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(c, "got %d bytes over %s\n", len(line), tls.VersionName(c.Info().TLS.Version)); err != nil {
				return err
			}
		}
	}
	certs := transport.SelfSigned("localhost")
	server := tcp.New(measure, tcp.Config{Addr: "127.0.0.1:0", Limits: tako.Limits{Conns: 1000}},
		tcp.Allow("127.0.0.0/8"), tcp.PerAddress(10), tcp.TLS(certs))

	ctx, stop := context.WithCancel(context.Background())
	runner := tako.Runner{Log: quiet, OnListen: func() {
		go func() {
			defer stop()
			conn, err := tls.Dial("tcp", server.Addr().String(), &tls.Config{RootCAs: certs.CertPool(), ServerName: "localhost"})
			if err != nil {
				fmt.Println(err)
				return
			}
			defer conn.Close()
			fmt.Fprintln(conn, "hello")
			line, _ := bufio.NewReader(conn).ReadString('\n')
			fmt.Print(line)
		}()
	}}
	if _, err := runner.Run(ctx, server); err != nil {
		fmt.Println(err)
	}
	// Output: got 6 bytes over TLS 1.3
}
