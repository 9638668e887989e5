// Command blocking has handlers that block at times, on event loops. A user is in
// memory, or is fetched, which takes 50 ms. The same handler has three routes: one
// whose place the runtime learns, and two where an option says it.
//
//	go run ./examples/blocking -loops 1
//	curl "localhost:8080/learned/ada?[1-500]"
//	curl localhost:8080/stats             # /learned has moved to the loop
//	curl "localhost:8080/learned/[1-9]"
//	curl localhost:8080/stats             # hand-overs, and it has left the loop
//
// Its first call was slow, so that it took some hundred more to be trusted.
// Ctrl-C prints the table once more.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
)

// users fetches each user once.
type users struct {
	fetch func(name string) string
	known sync.Map
}

func (u *users) greet(c *tako.Context) error {
	name := c.Param("name")
	greeting, ok := u.known.Load(name)
	if !ok {
		greeting = u.fetch(name) // blocks, and a loop must not wait for it
		u.known.Store(name, greeting)
	}
	return c.Text(200, greeting.(string))
}

// slowly stands for a database.
func slowly(name string) string {
	time.Sleep(50 * time.Millisecond)
	return "Hello, " + name + "\n"
}

func app(fetch func(string) string, stats func() loop.Stats) *tako.Router {
	u := &users{fetch: fetch}
	r := tako.New()
	r.Get("/learned/{name}", u.greet)
	r.Get("/inline/{name}", u.greet, tako.Inline())     // on a loop, also after it has blocked one
	r.Get("/blocking/{name}", u.greet, tako.Blocking()) // always on a goroutine
	r.Get("/stats", func(c *tako.Context) error {
		var b strings.Builder
		show(&b, stats())
		return c.Text(200, b.String())
	}, tako.Blocking())
	return r
}

// show writes the counters as a table.
func show(out io.Writer, s loop.Stats) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "requests %d: inline %d, offloaded %d, streamed %d\n\n", s.Requests, s.Inline, s.Offloaded, s.Streamed)
	fmt.Fprintln(w, "ROUTE\tRUNS ON\tDECIDED BY\tPROMOTIONS\tDEMOTIONS\tHAND-OVERS")
	for _, r := range s.Routes {
		on, by := "goroutines", "learning"
		if r.Inline {
			on = "loops"
		}
		if r.Fixed {
			by = "option"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\n", r.Route, on, by, r.Promotions, r.Demotions, r.Handovers)
	}
	w.Flush()
}

func main() {
	addr := flag.String("addr", ":8080", "TCP address to listen on")
	loops := flag.Int("loops", 0, "event loops; 0 is one for each processor")
	flag.Parse()
	var server *loop.Server
	server = loop.New(app(slowly, func() loop.Stats { return server.Stats() }), loop.Config{Addr: *addr, Loops: *loops})
	if _, err := tako.Run(context.Background(), server); err != nil {
		log.Fatal(err)
	}
	show(os.Stdout, server.Stats())
}
