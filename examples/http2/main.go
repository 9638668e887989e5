// Command http2 serves HTTP/2 at two ports: over TLS, where ALPN decides, and in clear
// text to clients that begin with it (h2c). Both speak HTTP/1.1 as well.
//
//	go run ./examples/http2                  # on net/http; -runtime loop for event loops
//	curl --insecure https://localhost:8443
//	curl --http2-prior-knowledge http://localhost:8080
//	curl -N --insecure https://localhost:8443/ticks       # streams to the client
//	curl -N --insecure -T . https://localhost:8443/upper  # both ways: type lines, end with Ctrl-D
//	nghttp -nv https://localhost:8443/page                # 103 (Early Hints) before the page
//	nghttp -v -d README.md http://localhost:8080/sum      # the sum of the upload in a trailer
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
)

func app(tick time.Duration) *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error { return c.Text(200, "this is "+c.Protocol().String()+"\n") })
	r.Get("/page", page)
	r.Get("/style.css", func(c *tako.Context) error { return c.Bytes(200, "text/css", []byte("h1 { color: teal }\n")) })
	r.Get("/ticks", func(c *tako.Context) error { return ticks(c, tick) })
	r.Put("/upper", upper, tako.BodyLimit(tako.NoLimit))
	r.Post("/sum", sum, tako.BodyLimit(tako.NoLimit))
	return r
}

// page names the style sheet before it begins with what takes longer.
func page(c *tako.Context) error {
	if err := c.EarlyHints("</style.css>; rel=preload; as=style"); err != nil {
		return err
	}
	return c.Bytes(200, "text/html; charset=utf-8", []byte("<link rel=stylesheet href=/style.css><h1>eight arms</h1>\n"))
}

// newServer is all there is to choosing a runtime. Without certificates it is h2c.
func newServer(runtime string, app tako.App, addr string, certs tako.Certs) (tako.Server, error) {
	switch runtime {
	case "std":
		return std.New(app, std.Config{Addr: addr, Certs: certs}), nil
	case "loop":
		return loop.New(app, loop.Config{Addr: addr, Certs: certs}), nil
	}
	return nil, fmt.Errorf("there is no runtime %q: std and loop can be chosen", runtime)
}

func main() {
	plainAddr := flag.String("addr", "localhost:8080", "TCP address for clear text")
	tlsAddr := flag.String("tls", "localhost:8443", "TCP address for TLS")
	runtime := flag.String("runtime", "std", "what serves: std or loop")
	flag.Parse()
	r := app(time.Second)
	plain, err := newServer(*runtime, r, *plainAddr, nil)
	if err != nil {
		log.Fatal(err)
	}
	secure, err := newServer(*runtime, r, *tlsAddr, transport.SelfSigned())
	if err != nil {
		log.Fatal(err)
	}
	runner := tako.Runner{OnListen: func() {
		log.Print("https://", reachable(secure.Addr()), " and http://", reachable(plain.Addr()))
	}}
	report, err := runner.Run(context.Background(), plain, secure)
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}

// reachable names an address as the certificate does.
func reachable(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return net.JoinHostPort("localhost", port)
}
