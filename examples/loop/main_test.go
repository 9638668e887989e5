package main

import (
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/takotest"
)

const patience = 20 * time.Second

func onLoops(app tako.App) *loop.Server {
	return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Loops: 1, KeepProcs: true})
}

func TestNotes(t *testing.T) {
	for name, server := range map[string]func() tako.Server{
		"loop": func() tako.Server { return onLoops(app()) },
		"std":  func() tako.Server { return std.New(app(), std.Config{Addr: "127.0.0.1:0"}) },
	} {
		t.Run(name, func(t *testing.T) {
			srv := takotest.Run(t, server())
			want := note{1, "buy crabs"}
			var got note
			srv.Post("/notes", takotest.JSON(note{Text: want.Text})).Expect(201).ExpectHeader("Location", "/notes/1").JSON(&got)
			assert.Equal(t, got, want)
			srv.Get("/notes/1").Expect(200).JSON(&got)
			assert.Equal(t, got, want)
			srv.Get("/notes/2").Problem(404)
			srv.Post("/notes", takotest.JSON(note{})).Problem(422)
			srv.Get("/ready").Expect(200)
		})
	}
}

func TestStats(t *testing.T) {
	outside := onLoops(app())
	srv := takotest.Run(t, outside)
	counters := takotest.New(t, inside(outside.Stats))
	const calls = 5
	for range calls {
		srv.Get("/ready").Expect(200)
	}
	var got loop.Stats
	assert.Eventually(t, patience, "the requests to be counted", func() bool {
		counters.Get("/stats").Expect(200).JSON(&got)
		return got.Requests == calls
	})
	assert.Equal(t, got.Inline+got.Offloaded+got.Streamed, got.Requests)
}
