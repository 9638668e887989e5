// Command udp-echo sends back the datagrams that it gets.
//
//	go run ./examples/udp-echo
//	echo hello | socat - UDP:localhost:7000
//	go run ./examples/udp-echo -workers 1 -queue 1 -delay 1s
//	for i in 1 2 3 4 5; do echo $i | socat -u - UDP:localhost:7000; done
//
// A datagram for which there is neither a worker nor room in the queue is dropped, and counted:
// Ctrl-C answers those that wait, and prints the counters.
package main

import (
	"context"
	"flag"
	"log"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport/udp"
)

type settings struct {
	addr           string
	workers, queue int
	delay          time.Duration
	rate           int
}

// echo takes its time, as a handler does that asks a database.
func echo(delay time.Duration) udp.Handler {
	return func(ctx context.Context, p *udp.Packet) error {
		if delay > 0 {
			select {
			case <-time.After(delay):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		_, err := p.Reply(p.Data)
		return err
	}
}

func newServer(set settings) *udp.Server {
	cfg := udp.Config{Addr: set.addr, Workers: set.workers, Queue: set.queue}
	if set.rate == 0 {
		return udp.New(echo(set.delay), cfg)
	}
	return udp.New(echo(set.delay), cfg, udp.RateLimit(set.rate, set.rate))
}

func main() {
	var set settings
	flag.StringVar(&set.addr, "addr", "localhost:7000", "UDP address to listen on")
	flag.IntVar(&set.workers, "workers", 0, "handlers that run at once, 0 for four a processor")
	flag.IntVar(&set.queue, "queue", 0, "datagrams that wait for one, 0 for 1024")
	flag.IntVar(&set.rate, "rate", 0, "datagrams a second of one sender, 0 for any number")
	flag.DurationVar(&set.delay, "delay", 0, "how long a handler takes")
	flag.Parse()
	server := newServer(set)
	report, err := tako.Run(context.Background(), server)
	if err != nil {
		log.Fatal(err)
	}
	s := server.Stats()
	log.Printf("%v; received %d, sent %d, dropped %d, refused %d", report, s.Received, s.Sent, s.Dropped, s.Refused)
}
