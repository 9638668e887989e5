package h3_test

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// One line serves HTTP/1.1, HTTP/2 and HTTP/3 on one port.
func ExampleBeside() {
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, c.Protocol().String()) })
	certs := transport.SelfSigned()
	web := std.New(app, std.Config{Addr: "127.0.0.1:0", Certs: certs})
	both := h3.Beside(web, h3.Config{})

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		_, err := tako.Runner{Log: quiet, OnListen: func() { close(ready) }}.Run(ctx, both)
		ended <- err
	}()
	<-ready

	client := &http3.Transport{TLSClientConfig: clientTLS()}
	client.TLSClientConfig.RootCAs = certs.CertPool()
	req, _ := http.NewRequest("GET", "https://"+both.Addr().String(), nil)
	resp, err := client.RoundTrip(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, _ := io.ReadAll(resp.Body)
	_ = client.Close()
	stop()
	fmt.Println(string(text), <-ended)
	// Output: HTTP/3 <nil>
}
