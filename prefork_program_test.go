//go:build unix

package tako_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
)

// programEnv makes this test binary a program that preforks; it holds a program.
const programEnv = "TAKO_TEST_PREFORK"

func TestMain(m *testing.M) {
	if text := os.Getenv(programEnv); text != "" {
		os.Exit(runProgram(text))
	}
	if text := os.Getenv(dynastyEnv); text != "" {
		os.Exit(reign(text))
	}
	os.Exit(m.Run())
}

// program is what a test wants of the processes.
type program struct {
	Procs                               int
	MinBackoff, MaxBackoff, ExitTimeout time.Duration
	Drain, ReadyDelay                   time.Duration

	Addr   string // default: any
	Conns  int    // of each process
	Loop   string // the poller of event loops; "" for the std runtime
	Unix   string // the path of a second server
	Crash  bool   // children end before they are up
	Fail   bool   // children fail when they are up
	Linger bool   // children stay when they have drained
	Hangup bool   // there is a handler for SIGHUP
	Family string // what it is told to have inherited
}

func (p program) prefork(log *slog.Logger, onListen func()) tako.Prefork {
	return tako.Prefork{Procs: p.Procs, MinBackoff: p.MinBackoff, MaxBackoff: p.MaxBackoff, ExitTimeout: p.ExitTimeout,
		Runner: tako.Runner{Drain: p.Drain, ReadyDelay: p.ReadyDelay, Log: log, OnListen: onListen}}
}

// outcome is what the parent prints when it has ended.
type outcome struct {
	Report tako.Report
	Error  string
	Cut    bool
}

// hung is how long a held request outlasts the begin of the drain.
const hung = 200 * time.Millisecond

func runProgram(text string) int {
	var p program
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if p.Family != "" {
		_ = os.Setenv("TAKO_PREFORK", p.Family)
	}
	_, child := os.LookupEnv("TAKO_PREFORK")
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("self", os.Getpid())
	log.Info("begin", "isChild", child)
	if child && p.Crash {
		return 3
	}
	if p.Hangup {
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		go func() {
			for range hangups {
				log.Info("hangup", "isChild", child)
			}
		}()
	}
	servers, err := p.servers(log)
	if err != nil {
		log.Error("servers", "err", err)
		return 2
	}
	prefork := p.prefork(log, func() { log.Info("address", "addr", servers[0].Addr().String(), "isChild", child) })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if !child {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGUSR1)
		defer stop()
	}
	report, err := prefork.Run(ctx, servers...)
	if child {
		if p.Linger {
			select {}
		}
	} else {
		res := outcome{Report: report, Cut: errors.Is(err, tako.ErrCut)}
		if err != nil {
			res.Error = err.Error()
		}
		_ = json.NewEncoder(os.Stdout).Encode(res)
	}
	if err != nil {
		return 1
	}
	return 0
}

func (p program) servers(log *slog.Logger) ([]tako.Server, error) {
	addr := p.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	if p.Loop != "" {
		return []tako.Server{loop.New(programApp(log), loop.Config{Addr: addr, Log: log, Poller: p.Loop, Loops: 2})}, nil
	}
	var first tako.Server = std.New(programApp(log), std.Config{Addr: addr, Log: log, Limits: tako.Limits{Conns: p.Conns}})
	if p.Fail {
		first = brokenServer{first.(*std.Server)}
	}
	if p.Unix == "" {
		return []tako.Server{first}, nil
	}
	cfg := std.Config{Log: log, Addr: "127.0.0.1:0"}
	if _, child := os.LookupEnv("TAKO_PREFORK"); !child {
		ln, err := net.Listen("unix", p.Unix)
		if err != nil {
			return nil, err
		}
		cfg.Listener = ln
	}
	return []tako.Server{first, std.New(programApp(log), cfg)}, nil
}

// brokenServer is a server whose Serve fails at once.
type brokenServer struct{ *std.Server }

func (brokenServer) Serve() error { return errors.New("broken") }

// about is what a process says of itself.
type about struct {
	Pid, Procs int
	Listens    int  // the number of its listening sockets
	Inherited  bool // the variable is still there
	Blocking   bool // a listening socket is
	OnExec     bool // a pipe of the parent's or a socket stays open in grandchildren
}

func programApp(log *slog.Logger) *tako.Router {
	app := tako.New()
	app.Log(log)
	app.Get("/about", func(c *tako.Context) error {
		a := about{Pid: os.Getpid(), Procs: runtime.GOMAXPROCS(0)}
		_, a.Inherited = os.LookupEnv("TAKO_PREFORK")
		a.look()
		return c.JSON(200, a)
	})
	// held answers when the drain has gone on for a while.
	app.Get("/held", func(c *tako.Context) error {
		begin(c)
		<-c.Draining()
		timer := time.NewTimer(hung)
		defer timer.Stop()
		<-timer.C
		_, err := io.WriteString(c, "done")
		return err
	})
	// stuck answers when it is cut.
	app.Get("/stuck", func(c *tako.Context) error {
		begin(c)
		<-c.Context().Done()
		return c.Context().Err()
	})
	return app
}

// begin sends a line with the number of the process.
func begin(c *tako.Context) {
	_, _ = fmt.Fprintln(c, os.Getpid())
	_ = c.Flush()
}

// look looks at the descriptors of this process.
func (a *about) look() {
	for fd := uintptr(3); fd < 64; fd++ {
		flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0)
		if err != nil {
			continue
		}
		listening, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if err == nil && listening != 0 {
			a.Listens++
			flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
			a.Blocking = a.Blocking || err != nil || flags&unix.O_NONBLOCK == 0
		} else if fd > 4 {
			continue // of whoever runs the tests, perhaps
		}
		a.OnExec = a.OnExec || flags&unix.FD_CLOEXEC == 0
	}
}
