// Command hot-reload reads its routes and its certificate again while it serves.
//
//	echo '{"/": "hello\n"}' > /tmp/pages.json
//	go run ./examples/hot-reload -pages /tmp/pages.json     # or with -cert and -key, too
//	curl --insecure https://localhost:8443
//	echo '{"/": "hi\n", "/new": "and more\n"}' > /tmp/pages.json
//	curl --insecure -X POST https://localhost:8443/reload   # or: kill -HUP PROCESS
//	curl --insecure https://localhost:8443/new
//
// SIGHUP has the certificate read again, too, which is also watched. What is wrong is logged,
// and what was there before goes on serving; requests under way end on the routes on which
// they began. Try it with a file that is no JSON, or has a path like "/{".
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
)

// A site is served as its file says.
type site struct {
	file string
	live *tako.Live
}

func open(file string) (*site, error) {
	s := &site{file: file}
	first, err := s.routes()
	if err != nil {
		return nil, err
	}
	s.live = tako.NewLive(first)
	return s, nil
}

// routes makes a router of what the file says now.
func (s *site) routes() (*tako.Router, error) {
	text, err := os.ReadFile(s.file)
	if err != nil {
		return nil, err
	}
	var pages map[string]string
	if err := json.Unmarshal(text, &pages); err != nil {
		return nil, fmt.Errorf("%s: %w", s.file, err)
	}
	r := tako.New()
	for path, page := range pages {
		r.Get(path, func(c *tako.Context) error { return c.Text(http.StatusOK, page) })
	}
	r.Post("/reload", func(c *tako.Context) error { // whoever may ask for that, in earnest
		if err := s.reload(); err != nil {
			return tako.Errorf(http.StatusConflict, "%v", err)
		}
		return c.Text(http.StatusOK, "reloaded\n")
	})
	return r, nil
}

// reload serves what the file says now, or what it did before if that has mistakes.
func (s *site) reload() error {
	next, err := s.routes()
	if err != nil {
		return err
	}
	return s.live.Swap(next)
}

func main() {
	addr := flag.String("addr", "localhost:8443", "TCP address to listen on")
	pages := flag.String("pages", "pages.json", "JSON file with a text for each path")
	cert := flag.String("cert", "", "PEM file with the certificate and its chain; default: one of its own")
	key := flag.String("key", "", "PEM file with the key")
	flag.Parse()
	s, err := open(*pages)
	if err != nil {
		log.Fatal(err)
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go s.follow(hangups)
	certs := transport.SelfSigned().Certs
	if *cert != "" {
		certs = transport.CertFiles(*cert, *key)
	}
	log.Println(tako.Run(context.Background(), std.New(s.live, std.Config{Addr: *addr, Certs: certs})))
}
