// Command unix serves HTTP/1.1 and h2c on a Unix socket, and tells its clients who they are.
//
//	go run ./examples/unix
//	curl --unix-socket /tmp/tako.sock http://localhost/
//	curl --unix-socket /tmp/tako.sock --http2-prior-knowledge http://localhost/
//
// The file is there with the right mode before the first client, a stale one of a server that
// died is replaced, and it is gone at the end. "@name" is a name without a file on Linux.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
)

func app() *tako.Router {
	r := tako.New()
	r.TrustedProxies("unix") // a proxy on this machine may tell for whom it asks
	r.Get("/", func(c *tako.Context) error {
		peer := c.ConnInfo().Peer
		if peer == nil {
			return c.Text(http.StatusOK, "this system does not tell who you are\n")
		}
		return c.Text(http.StatusOK, fmt.Sprintf("process %d of user %d and group %d over %s\n", peer.PID, peer.UID, peer.GID, c.Protocol()))
	})
	return r
}

func main() {
	path := flag.String("path", "/tmp/tako.sock", "path of the socket, or @name")
	flag.Parse()
	socket := transport.Unix(*path, transport.UnixConfig{Mode: 0o600})
	report, err := tako.Run(context.Background(), std.New(app(), std.Config{Listen: socket}))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
