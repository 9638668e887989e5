package loop_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/tako-go/tako/runtime/loop"
)

// A server that answers each line with its length. What has come of a line stays with the
// connection.
func ExampleNewTCP() {
	events := loop.Events{
		Open: func(s *loop.Socket) { s.SetValue(new(bytes.Buffer)) },
		Data: func(s *loop.Socket, p []byte) {
			kept := s.Value().(*bytes.Buffer)
			for {
				line, rest, found := bytes.Cut(p, []byte("\n"))
				kept.Write(line)
				if kept.Len() > 1<<16 {
					s.Reset()
				}
				if !found {
					return
				}
				if _, err := fmt.Fprintln(s, kept.Len()); err != nil {
					s.Reset()
				}
				kept.Reset()
				p = rest
			}
		},
	}
	server := loop.NewTCP(events, loop.TCPConfig{Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	if err := server.Listen(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- server.Serve() }()

	client, err := net.Dial("tcp", server.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.WriteString(client, "octopus\ntako\n")
	answers := bufio.NewScanner(client)
	for range 2 {
		answers.Scan()
		fmt.Println(answers.Text())
	}
	_ = client.Close()
	_, _ = server.Shutdown(context.Background())
	fmt.Println(<-served)
	// Output:
	// 7
	// 4
	// <nil>
}
