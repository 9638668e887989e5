package h3_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/transport"
	"github.com/tako-go/tako/transport/h3"
)

// programEnv makes this test binary a program that hands over; it holds a program.
const programEnv = "TAKO_TEST_H3_HANDOVER"

// program is what a test wants of a process and of those that follow it.
type program struct {
	Loop      bool // event loops in place of the std runtime
	Retry     h3.Retry
	Cert, Key []byte
}

// slowly is how long a slow request takes.
const slowly = 300 * time.Millisecond

// ending is what a process logs last.
type ending struct {
	Report      tako.Report
	Error       string
	Served, TCP int64 // requests, by HTTP/3 and over TCP
}

// runProgram is the program.
func runProgram(text string) int {
	var p program
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("self", os.Getpid())
	var counts struct{ quic, tcp atomic.Int64 }
	app := programApp(log, func(c *tako.Context) {
		if c.Protocol() == tako.HTTP3 {
			counts.quic.Add(1)
		} else {
			counts.tcp.Add(1)
		}
	})
	app.Log(log)
	pair := transport.CertPEM(p.Cert, p.Key)
	var web tako.Server = std.New(app, std.Config{Addr: "127.0.0.1:0", Listen: twin, Certs: pair, Log: log})
	if p.Loop {
		web = loop.New(app, loop.Config{Addr: "127.0.0.1:0", Listen: twin, Certs: pair, Log: log, Loops: 2})
	}
	server := h3.Beside(web, h3.Config{Retry: p.Retry})
	runner := tako.Runner{Log: log, OnListen: func() { log.Info("address", "addr", server.Addr().String()) }}
	report, err := runner.Run(context.Background(), server)
	last := ending{Report: report, Served: counts.quic.Load(), TCP: counts.tcp.Load()}
	if err != nil {
		last.Error = err.Error()
	}
	log.Info("end", "ending", last)
	if err != nil {
		return 1
	}
	return 0
}

// seen is what a process says of itself and of the request.
type seen struct {
	ID         string
	Pid, Bytes int
	Files      int    // open descriptors
	Heap       uint64 // live bytes
}

func programApp(log *slog.Logger, count func(*tako.Context)) *tako.Router {
	answer := func(c *tako.Context, n int) error {
		count(c)
		s := seen{ID: c.Query("id"), Pid: os.Getpid(), Bytes: n}
		if c.Query("look") != "" {
			files, _ := os.ReadDir("/dev/fd")
			s.Files = len(files)
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			s.Heap = m.HeapAlloc
		}
		return c.JSON(200, s)
	}
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return answer(c, 0) })
	app.Get("/slow", func(c *tako.Context) error {
		timer := time.NewTimer(slowly)
		defer timer.Stop()
		<-timer.C
		return answer(c, 0)
	})
	app.Post("/upload", func(c *tako.Context) error {
		if c.Query("id") == "" { // one of many would be noise
			log.Info("upload")
		}
		text, err := io.ReadAll(c.Body())
		if err != nil {
			return err
		}
		return answer(c, len(text))
	})
	return app
}
