// Command socket-activation is started by the service manager, with its first client: the unit
// files beside this one say how. It binds nothing itself, so it needs no rights for port 80,
// and no client is refused while it is restarted.
//
//	go build -o /tmp/activated ./examples/socket-activation
//	systemd-socket-activate -l 8080 --fdname=web /tmp/activated
//	curl localhost:8080
//
// Without a service manager it listens on the address itself.
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
)

func app() *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		return c.Text(http.StatusOK, "hello from "+c.ConnInfo().Local.String()+"\n")
	})
	r.Get("/ready", tako.Ready())
	return r
}

// socket is the one that was passed by this name, or else one of our own.
func socket(name, addr string) tako.ListenFunc {
	for _, s := range transport.Sockets() {
		if s.Name == name {
			return transport.Activated(name)
		}
	}
	slog.Info("nobody has passed a socket", "name", name)
	return transport.Listen("tcp", addr)
}

func main() {
	name := flag.String("name", "web", "name of the socket, FileDescriptorName= of its unit")
	addr := flag.String("addr", "localhost:8080", "TCP address without a service manager")
	flag.Parse()
	report, err := tako.Run(context.Background(), std.New(app(), std.Config{Listen: socket(*name, *addr)}))
	if err != nil {
		log.Print(err)
		os.Exit(1)
	}
	log.Print(report)
}
