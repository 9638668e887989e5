package main

import (
	"runtime"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
)

func newLoop(app tako.App, o options) (tako.Server, error) {
	// The server adds what it wants beyond its loops.
	runtime.GOMAXPROCS(o.workers)
	return loop.New(app, loop.Config{
		Addr: o.addr, Loops: o.workers, Poller: loopPoller(o), Certs: certs(o.pair), Proxy: proxy(o),
	}), nil
}

// loopPoller is the poller as the runtime calls it.
func loopPoller(o options) string {
	if o.poller == "uring" {
		return "io_uring"
	}
	return o.poller
}
