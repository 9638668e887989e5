// Command handover gives its port to the next version of itself, without a client that
// notices.
//
//	go build -o /tmp/handover ./examples/handover && /tmp/handover
//	curl localhost:8080          # the number of the process that answers
//	curl localhost:8080/slow &   # is answered by the process that has begun it
//	go build -o /tmp/handover ./examples/handover
//	kill -USR2 NUMBER            # the new file is started, and the old process drains
//	curl localhost:8080          # another number
//
// If the new file does not start, the old process goes on and logs why. systemd is told the
// new number by sd_notify; ExecReload=/bin/kill -USR2 $MAINPID in its unit hands over.
// Windows has no such signal.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

func app(started time.Time) *tako.Router {
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		up := time.Since(started).Round(time.Second)
		return c.Text(http.StatusOK, "process "+strconv.Itoa(os.Getpid())+", up "+up.String()+"\n")
	})
	r.Get("/slow", func(c *tako.Context) error {
		select {
		case <-time.After(5 * time.Second):
			return c.Text(http.StatusOK, "done by process "+strconv.Itoa(os.Getpid())+"\n")
		case <-c.Context().Done():
			return tako.ErrClientGone
		}
	})
	r.Get("/ready", tako.Ready())
	return r
}

func main() {
	addr := flag.String("addr", "localhost:8080", "TCP address to listen on")
	flag.Parse()
	runner := tako.Runner{
		Drain:           20 * time.Second, // for what the old process has begun
		HandoverTimeout: 10 * time.Second, // for the new one to come up
	}
	report, err := runner.Run(context.Background(), std.New(app(time.Now()), std.Config{Addr: *addr}))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
