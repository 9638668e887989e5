// Command prefork serves from several processes that share one port.
//
//	go run ./examples/prefork -procs 4
//	curl localhost:8080              # the number of the process that answers
//	curl localhost:8080/visits       # each process counts for itself
//	curl localhost:8080/slow &       # then kill -9 another process: it is replaced
//	kill PARENT                      # /slow ends first
//
// The parent's number is in the log. With -procs 1 there is one process and no
// parent, as everywhere on Windows.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

func app() *tako.Router {
	var visits atomic.Int64 // of this process: what all shall see belongs into a store
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		return c.Text(http.StatusOK, "process "+strconv.Itoa(os.Getpid())+"\n")
	})
	r.Get("/visits", func(c *tako.Context) error {
		return c.Text(http.StatusOK, "visit "+strconv.FormatInt(visits.Add(1), 10)+" to process "+strconv.Itoa(os.Getpid())+"\n")
	})
	r.Get("/slow", func(c *tako.Context) error {
		select {
		case <-time.After(5 * time.Second):
			return c.Text(http.StatusOK, "done\n")
		case <-c.Context().Done():
			return tako.ErrClientGone
		}
	})
	r.Get("/ready", tako.Ready())
	return r
}

// run is what differs: the servers and their handlers do not.
func run(ctx context.Context, procs int, servers ...tako.Server) (tako.Report, error) {
	runner := tako.Runner{Drain: 20 * time.Second}
	if procs == 1 || runtime.GOOS == "windows" {
		return runner.Run(ctx, servers...)
	}
	return tako.Prefork{Procs: procs, Runner: runner}.Run(ctx, servers...)
}

func main() {
	addr := flag.String("addr", ":8080", "TCP address to listen on")
	procs := flag.Int("procs", 2, "processes that serve")
	flag.Parse()
	report, err := run(context.Background(), *procs, std.New(app(), std.Config{Addr: *addr}))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
