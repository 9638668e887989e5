package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako"
)

// waitLimit ends a wait whose client's leaving was not noticed.
const waitLimit = 30 * time.Second

const drainPause = 300 * time.Millisecond

// waits counts handlers that wait for their client to go away.
type waits struct{ begun, cancelled atomic.Int64 }

// hold waits until the request's context ends or the server drains.
func (w *waits) hold(c *tako.Context) error {
	w.begun.Add(1)
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	select {
	case <-c.Context().Done():
		w.cancelled.Add(1)
		return c.Context().Err()
	case <-c.Draining():
	case <-limit.C:
	}
	return nil
}

// wait goes on for drainPause when the server drains, so that the client hears of that first.
func (w *waits) wait(c *tako.Context) error {
	if err := w.hold(c); err != nil {
		return err
	}
	time.Sleep(drainPause)
	return c.Text(http.StatusOK, "waited\n")
}

func (w *waits) counts(c *tako.Context) error {
	return c.Text(http.StatusOK, fmt.Sprintf("%d %d", w.begun.Load(), w.cancelled.Load()))
}
