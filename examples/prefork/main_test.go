package main

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

func TestApp(t *testing.T) {
	srv := takotest.New(t, app())
	srv.Get("/").Expect(200).ExpectText(fmt.Sprintf("process %d\n", os.Getpid()))
	for n := range 3 {
		srv.Get("/visits").Expect(200).ExpectText(fmt.Sprintf("visit %d to process %d\n", n+1, os.Getpid()))
	}
	srv.Get("/ready").Expect(200)
}

// With one process there is no parent: the test itself would serve.
func TestOneProcess(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := run(ctx, 1, std.New(app(), std.Config{Addr: "127.0.0.1:0"}))
	report.Elapsed = 0
	if err != nil || report != (tako.Report{}) {
		t.Errorf("got %v, %v", report, err)
	}
}
