package quic_test

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/quic"
)

// A server that echoes each stream.
func ExampleNew() {
	echo := func(ctx context.Context, c *quic.Conn) error {
		for {
			str, err := c.AcceptStream(ctx)
			if err != nil {
				return err
			}
			go func() {
				defer str.Close()
				_, _ = io.Copy(str, str)
			}()
		}
	}
	server := quic.New(echo, quic.Config{Addr: "127.0.0.1:0", Certs: transport.SelfSigned(), Protocols: []string{"echo/1"}})
	if err := server.Listen(context.Background()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Describe(), server.Addr().Network())
	_, _ = server.Shutdown(context.Background())
	// Output: quic udp
}
