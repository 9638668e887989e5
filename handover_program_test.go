//go:build unix

package tako_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/unixsock"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

// dynastyEnv makes this test binary a program that hands over; it holds a dynasty.
const dynastyEnv = "TAKO_TEST_HANDOVER"

// dynasty is what a test wants of a program and of those that follow it.
type dynasty struct {
	Version string
	Loop    string // the poller of event loops; "" for the std runtime
	Unix    string // the path of a socket in place of TCP
	Servers int    // default: 1
	Procs   int    // of a Prefork; 0 is none
	Timeout time.Duration

	Foreign bool   // a second server cannot be handed over
	Yields  string // what becomes of the sockets of a second server: "let go", "kept" or "held"
	Own     bool   // there is a handler for SIGUSR2, and hand-over is off
}

// slowly is how long a slow request takes.
const slowly = 300 * time.Millisecond

// reign is the program.
func reign(text string) int {
	var d dynasty
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("self", os.Getpid())
	log.Info("begin")
	var served atomic.Int64
	servers := d.servers(log, &served)
	runner := tako.Runner{HandoverTimeout: d.Timeout, Log: log, OnListen: func() {
		log.Info("address", "addr", servers[0].Addr().String())
	}}
	if d.Own {
		runner.Handover = []os.Signal{}
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGUSR2)
		go func() {
			for range signals {
				log.Info("own handler")
			}
		}()
	}
	run := runner.Run
	if d.Procs > 0 {
		run = tako.Prefork{Procs: d.Procs, Runner: runner}.Run
	}
	report, err := run(context.Background(), servers...)
	last := outcome{Report: report, Cut: errors.Is(err, tako.ErrCut)}
	if err != nil {
		last.Error = err.Error()
	}
	log.Info("end", "outcome", last, "served", served.Load())
	if err != nil {
		return 1
	}
	return 0
}

func (d dynasty) servers(log *slog.Logger, served *atomic.Int64) (all []tako.Server) {
	for range max(d.Servers, 1) {
		all = append(all, d.server(log, served))
	}
	plain := newFake(new(diary), "fake")
	if d.Foreign {
		all = append(all, plain)
	}
	if d.Yields != "" {
		all = append(all, &yielding{fakeServer: plain, log: log, way: d.Yields})
	}
	return all
}

func (d dynasty) server(log *slog.Logger, served *atomic.Int64) tako.Server {
	app := dynastyApp(d.Version, served)
	app.Log(log)
	addr := "127.0.0.1:0"
	var listen tako.ListenFunc
	if d.Unix != "" {
		listen = func(ctx context.Context) (net.Listener, error) {
			return unixsock.Listen(ctx, d.Unix, unixsock.Config{})
		}
	}
	if d.Loop != "" {
		return loop.New(app, loop.Config{Addr: addr, Listen: listen, Log: log, Poller: d.Loop, Loops: 2})
	}
	return std.New(app, std.Config{Addr: addr, Listen: listen, Log: log})
}

// ruler is what a process says of itself.
type ruler struct {
	ID, Version string // ID is that of the request
	Pid, Files  int
	Inherited   bool // the variable is still there
}

func dynastyApp(version string, served *atomic.Int64) *tako.Router {
	answer := func(c *tako.Context) error {
		served.Add(1)
		r := ruler{ID: c.Query("id"), Version: version, Pid: os.Getpid()}
		if c.Query("files") != "" {
			files, _ := os.ReadDir("/dev/fd")
			r.Files = len(files)
		}
		_, r.Inherited = os.LookupEnv("TAKO_HANDOVER")
		return c.JSON(http.StatusOK, r)
	}
	app := tako.New()
	app.Get("/", answer)
	app.Get("/slow", func(c *tako.Context) error {
		timer := time.NewTimer(slowly)
		defer timer.Stop()
		<-timer.C
		return answer(c)
	})
	// held answers when the drain has gone on for a while, stuck when it is cut.
	app.Get("/held", func(c *tako.Context) error {
		begin(c)
		<-c.Draining()
		timer := time.NewTimer(hung)
		defer timer.Stop()
		<-timer.C
		_, err := c.Write([]byte("done"))
		return err
	})
	app.Get("/stuck", func(c *tako.Context) error {
		begin(c)
		<-c.Context().Done()
		return c.Context().Err()
	})
	return app
}

// yielding is a server that lets go of its socket, as one of datagrams would.
type yielding struct {
	*fakeServer
	log *slog.Logger
	way string
}

func (s *yielding) Serve() error {
	s.log.Info("yielding server serves")
	return s.fakeServer.Serve()
}

func (s *yielding) Yield() (files []*os.File, letGo func() error, err error) {
	s.log.Info("yield")
	file, end, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	return []*os.File{file}, func() error {
		s.log.Info("letting go")
		timer := time.NewTimer(hung) // in which the next process must not serve
		defer timer.Stop()
		<-timer.C
		switch s.way {
		case "kept":
			return errBroken
		case "held":
			select {}
		}
		s.log.Info("let go")
		return end.Close()
	}, nil
}

func (s *yielding) Succeed(files []*os.File) error {
	s.log.Info("succeed", "files", len(files))
	for _, f := range files {
		_ = f.Close()
	}
	return nil
}
