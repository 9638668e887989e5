// Command tcp-echo sends back what it gets over TCP, with as many layers before it as the
// flags say.
//
//	go run ./examples/tcp-echo
//	socat - TCP:localhost:7000
//	go run ./examples/tcp-echo -tls -limit 2 -allow 127.0.0.0/8,::1
//	openssl s_client -quiet -connect localhost:7000
//	go run ./examples/tcp-echo -proxy 127.0.0.0/8,::1    # behind a balancer
//	printf 'PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\nhello\n' | socat - TCP:localhost:7000
//
// Each connection is logged with its bytes and how long it took. Ctrl-C closes those that
// wait, and prints the counters.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/tcp"
)

// echo has nothing to do between two messages, so a drain need not wait for it.
func echo(_ context.Context, c *tcp.Conn) error {
	for p := make([]byte, 16<<10); ; {
		c.Idle()
		n, err := c.Read(p)
		if n > 0 {
			if _, err := c.Write(p[:n]); err != nil {
				return err
			}
		}
		switch err {
		case nil:
		case io.EOF, tcp.ErrDraining:
			return nil
		default:
			return err
		}
	}
}

type settings struct {
	addr         string
	proxy, allow string // networks
	limit        int
	tls          bool
}

// layers stand before the handler, the first outermost: the PROXY header tells who the client
// is, and nothing is spent on a handshake with those who may not come in.
func (set settings) layers() (all []tcp.Layer) {
	all = append(all, tcp.Log(nil))
	if set.proxy != "" {
		all = append(all, tcp.Proxy(tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: strings.Split(set.proxy, ",")}))
	}
	if set.allow != "" {
		all = append(all, tcp.Allow(strings.Split(set.allow, ",")...))
	}
	if set.limit > 0 {
		all = append(all, tcp.Limit(set.limit))
	}
	if set.tls {
		all = append(all, tcp.TLS(transport.SelfSigned()))
	}
	return all
}

func main() {
	var set settings
	flag.StringVar(&set.addr, "addr", "localhost:7000", "TCP address to listen on")
	flag.StringVar(&set.proxy, "proxy", "", "networks of balancers that send PROXY headers")
	flag.StringVar(&set.allow, "allow", "", "networks whose clients may come in")
	flag.IntVar(&set.limit, "limit", 0, "connections at the same time, 0 for any number")
	flag.BoolVar(&set.tls, "tls", false, "with TLS, and a self-signed certificate")
	flag.Parse()
	server := tcp.New(echo, tcp.Config{Addr: set.addr}, set.layers()...)
	report, err := tako.Run(context.Background(), server)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%v; %+v", report, server.Stats())
}
