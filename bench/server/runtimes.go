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
	"github.com/tako-go/tako/transport/h3"
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
	switch {
	case o.echo:
		return newEcho(o), nil
	case o.datagrams:
		return newDatagrams(o), nil
	case o.h3:
		return newHTTP3(app, o), nil
	}
	return build(app, o)
}

// newHTTP3 has every setting at its default, as the others have.
func newHTTP3(app tako.App, o options) tako.Server {
	runtime.GOMAXPROCS(o.workers)
	return h3.New(app, h3.Config{Addr: o.addr, Certs: certs(o.pair)})
}

// proxy trusts the load generator.
func proxy(o options) tako.ProxyConfig {
	if !o.proxy {
		return tako.ProxyConfig{}
	}
	return tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"127.0.0.0/8"}}
}

func newStd(app tako.App, o options) (tako.Server, error) {
	if o.poller != "" {
		return nil, errors.New("-poller needs -runtime loop")
	}
	runtime.GOMAXPROCS(o.workers)
	return std.New(app, std.Config{Addr: o.addr, Certs: certs(o.pair), Proxy: proxy(o)}), nil
}
