package main

import (
	"runtime"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
)

func newLoop(app tako.App, o options) (tako.Server, error) {
	poller := o.poller
	if poller == "uring" {
		poller = "io_uring"
	}
	// The server adds what it wants beyond its loops.
	runtime.GOMAXPROCS(o.workers)
	return loop.New(app, loop.Config{Addr: o.addr, Loops: o.workers, Poller: poller}), nil
}
