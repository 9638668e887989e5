package main

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

// runtimes are what -runtime chooses from.
var runtimes = map[string]func(tako.App, options) (tako.Server, error){
	"loop": newLoop,
	"std":  newStd,
}

var pollers = []string{"auto", "epoll", "uring"}

func newServer(app tako.App, o options) (tako.Server, error) {
	if o.poller != "" && !slices.Contains(pollers, o.poller) {
		return nil, fmt.Errorf("no poller %q; there are %s", o.poller, strings.Join(pollers, ", "))
	}
	build, ok := runtimes[o.runtime]
	if !ok {
		known := slices.Sorted(maps.Keys(runtimes))
		return nil, fmt.Errorf("no runtime %q in this build; there are %s", o.runtime, strings.Join(known, ", "))
	}
	return build(app, o)
}

func newStd(app tako.App, o options) (tako.Server, error) {
	if o.poller != "" {
		return nil, errors.New("-poller needs -runtime loop")
	}
	runtime.GOMAXPROCS(o.workers)
	return std.New(app, std.Config{Addr: o.addr}), nil
}
