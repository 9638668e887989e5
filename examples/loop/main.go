// Command loop is a small REST service on event loops, with the server's own
// counters beside it. Only main knows the runtime: on the std runtime it would be
// the same service.
//
//	go run ./examples/loop
//	curl --json '{"text":"buy crabs"}' localhost:8080/notes
//	curl localhost:8080/notes/1
//	curl localhost:8081/stats       # where requests ran, and what was learned
//
// The first log line says how many loops there are and which poller they have;
// -poller epoll and -poller io_uring force one (Linux).
package main

import (
	"context"
	"flag"
	"log"
	"strconv"
	"sync"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
)

type note struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

// notes is the store. Its lock is held so briefly that handlers stay short.
type notes struct {
	mu  sync.Mutex
	all []note
}

func (n *notes) add(_ context.Context, in struct {
	Body struct {
		Text string `json:"text"`
	}
}) (tako.Created[note], error) {
	if in.Body.Text == "" {
		return tako.Created[note]{}, tako.Unprocessable("a note needs a text")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	made := note{len(n.all) + 1, in.Body.Text}
	n.all = append(n.all, made)
	return tako.Created[note]{Location: "/notes/" + strconv.Itoa(made.ID), Body: made}, nil
}

func (n *notes) get(_ context.Context, in struct {
	ID int `path:"id"`
}) (note, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if in.ID < 1 || in.ID > len(n.all) {
		return note{}, tako.NotFound("there is no note %d", in.ID)
	}
	return n.all[in.ID-1], nil
}

func app() *tako.Router {
	r := tako.New()
	n := new(notes)
	tako.Post(r, "/notes", n.add, tako.Summary("Write a note"))
	tako.Get(r, "/notes/{id}", n.get, tako.Summary("Read a note"))
	r.Get("/ready", tako.Ready())
	return r
}

// inside is what people in the house see: the counters of the server outside.
func inside(stats func() loop.Stats) *tako.Router {
	r := tako.New()
	r.Get("/stats", func(c *tako.Context) error { return c.JSON(200, stats()) })
	return r
}

func main() {
	addr := flag.String("addr", ":8080", "TCP address to listen on")
	statsAddr := flag.String("stats", "localhost:8081", "TCP address of the counters")
	poller := flag.String("poller", "auto", "auto, epoll or io_uring")
	flag.Parse()
	outside := loop.New(app(), loop.Config{Addr: *addr, Poller: *poller})
	report, err := tako.Run(context.Background(), outside,
		loop.New(inside(outside.Stats), loop.Config{Addr: *statsAddr, Loops: 1}))
	if err != nil {
		log.Fatal(err)
	}
	log.Print(report)
}
