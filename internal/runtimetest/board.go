package runtimetest

import (
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// board is what a client has seen of the streams of a connection, and of its end. One
// goroutine or several write to it; cases wait for what is on it.
type board struct {
	mu      sync.Mutex
	changed chan struct{}
	streams map[uint32]*h2stream
	goAways []goAway
	err     error // how reading has ended
	done    chan struct{}
}

type goAway struct {
	last uint32
	code http2.ErrCode
}

// h2stream is one stream as the client sees it.
type h2stream struct {
	id      uint32
	method  string
	interim [][]field
	head    []field // of the final response
	status  int
	trailer []field
	data    [][]byte // that nobody has taken yet
	size    int      // of all DATA
	ended   bool
	reset   *http2.ErrCode
	wrong   error // what is malformed about the response
	window  int64 // for what the client sends
}

func newBoard() board {
	return board{changed: make(chan struct{}), streams: map[uint32]*h2stream{}, done: make(chan struct{})}
}

func (b *board) seen() *board { return b }

// note changes what is on the board.
func (b *board) note(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.changed)
	b.changed = make(chan struct{})
}

// forget drops what is known of a stream that has ended.
func (b *board) forget(id uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.streams, id)
}

// await waits until cond holds, and returns false if it does not in time or the
// connection has ended. No time means for ever.
func (b *board) await(within time.Duration, cond func() bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.awaitLocked(within, cond)
}

func (b *board) awaitLocked(within time.Duration, cond func() bool) bool {
	var limit <-chan time.Time
	if within > 0 {
		timer := time.NewTimer(within)
		defer timer.Stop()
		limit = timer.C
	}
	for !cond() {
		if b.err != nil {
			return false
		}
		changed := b.changed
		b.mu.Unlock()
		var late bool
		select {
		case <-changed:
		case <-limit:
			late = true
		}
		b.mu.Lock()
		if late {
			return cond()
		}
	}
	return true
}
