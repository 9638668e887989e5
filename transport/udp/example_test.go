package udp_test

import (
	"bytes"
	"context"
	"fmt"
	"net"

	"github.com/tako-go/tako/transport/udp"
)

func Example() {
	s := udp.New(func(ctx context.Context, p *udp.Packet) error {
		_, err := p.Reply(bytes.ToUpper(p.Data))
		return err
	}, udp.Config{Addr: "127.0.0.1:0"}, udp.Allow("127.0.0.0/8"), udp.RateLimit(1000, 100))

	ctx := context.Background() // tako.Run does the rest, and waits for signals
	if err := s.Listen(ctx); err != nil {
		fmt.Println(err)
		return
	}
	go s.Serve()

	client, err := net.Dial("udp", s.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	answer := make([]byte, 100)
	client.Write([]byte("hello"))
	n, _ := client.Read(answer)
	fmt.Printf("%s\n", answer[:n])

	report, err := s.Shutdown(ctx)
	fmt.Println(report.Cut, err)
	// Output:
	// HELLO
	// 0 <nil>
}
