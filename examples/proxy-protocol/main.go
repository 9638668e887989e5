// Command proxy-protocol serves behind a balancer that tells by the PROXY protocol whom it
// connects for; haproxy.cfg beside this file is such a balancer.
//
//	go run ./examples/proxy-protocol
//	haproxy -f examples/proxy-protocol/haproxy.cfg
//	curl -H 'X-Forwarded-For: 192.0.2.1' http://localhost:8000/    # a lie
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

type answer struct {
	Client    string `json:"client"`
	Proxy     string `json:"proxy"`
	Scheme    string `json:"scheme"`
	Forwarded string `json:"forwarded"`
	Version   int    `json:"version"`
	Local     bool   `json:"local"`
	ServedTo  string `json:"authority,omitempty"`
	UniqueID  string `json:"unique_id,omitempty"`
}

func app() *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		header := c.ConnInfo().Proxy
		return c.JSON(http.StatusOK, answer{
			Client: c.ClientIP().String(), Proxy: header.Proxy.String(), Scheme: c.Scheme(), Forwarded: c.RequestHeader("Forwarded"),
			Version: header.Version, Local: header.Local, ServedTo: header.Authority, UniqueID: string(header.UniqueID)})
	})
	return r
}

func proxied(from ...string) tako.ProxyConfig {
	return tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: from, Timeout: 3 * time.Second}
}

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "TCP address to listen on")
	from := flag.String("from", "127.0.0.0/8", "network of the balancer")
	flag.Parse()
	report, err := tako.Run(context.Background(), std.New(app(), std.Config{Addr: *addr, Proxy: proxied(*from)}))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
