package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/takotest"
)

const patience = 20 * time.Second

// A handler that blocks on the only loop does not keep others from being served.
func TestBlockedLoop(t *testing.T) {
	entered, release := make(chan bool), make(chan bool)
	fetch := func(name string) string {
		if name == "slow" {
			entered <- true
			<-release
		}
		return "Hello, " + name + "\n"
	}
	var server *loop.Server
	server = loop.New(app(fetch, func() loop.Stats { return server.Stats() }),
		loop.Config{Addr: "127.0.0.1:0", Loops: 1})
	srv := takotest.Run(t, server)

	for _, route := range []string{"learned", "inline", "blocking"} {
		srv.Get("/" + route + "/ada").Expect(200).ExpectText("Hello, ada\n")
	}
	answer := make(chan *takotest.Response, 1)
	go func() { answer <- srv.Get("/inline/slow") }()
	select {
	case <-entered:
	case <-time.After(patience):
		t.Fatal("the handler was not called")
	}
	srv.Get("/inline/bob").Expect(200).ExpectText("Hello, bob\n") // while it is blocked
	close(release)
	(<-answer).Expect(200).ExpectText("Hello, slow\n")
	srv.Get("/blocking/slow").Expect(200) // is known by now
}

func TestTable(t *testing.T) {
	var b strings.Builder
	show(&b, loop.Stats{Requests: 3, Inline: 2, Offloaded: 1, Routes: []loop.RouteStats{
		{Route: "GET /a", Inline: true, Promotions: 1},
		{Route: "GET /b", Fixed: true, Handovers: 2},
	}})
	want := `requests 3: inline 2, offloaded 1, streamed 0

ROUTE   RUNS ON     DECIDED BY  PROMOTIONS  DEMOTIONS  HAND-OVERS
GET /a  loops       learning    1           0          0
GET /b  goroutines  option      0           0          2
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
