package loop

import (
	"sync"
	"time"

	"github.com/tako-go/tako/internal/hangup"
)

// watchStreams is how often the clients of streams are looked at.
const watchStreams = 250 * time.Millisecond

// streams are the connections of a server that are served on goroutines.
type streams struct {
	mu       sync.Mutex
	all      map[*stream]struct{}
	watching bool
	closed   bool // all were cut, so that no more come
}

// start runs a stream. Nothing is started once the server has cut all connections.
func (ss *streams) start(st *stream) {
	ss.mu.Lock()
	if ss.closed {
		ss.mu.Unlock()
		st.close()
		return
	}
	if ss.all == nil {
		ss.all = map[*stream]struct{}{}
	}
	ss.all[st] = struct{}{}
	if !ss.watching {
		ss.watching = true
		go ss.watch()
	}
	ss.mu.Unlock()
	go st.run()
}

func (ss *streams) remove(st *stream) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.all, st)
}

func (ss *streams) list(into []*stream) []*stream {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for st := range ss.all {
		into = append(into, st)
	}
	return into
}

// watch tells requests whose client is gone, while there are streams. Nobody reads
// from a connection while its handler runs.
func (ss *streams) watch() {
	ticker := time.NewTicker(watchStreams)
	defer ticker.Stop()
	var batch []*stream
	for range ticker.C {
		ss.mu.Lock()
		if len(ss.all) == 0 {
			ss.watching = false
			ss.mu.Unlock()
			return
		}
		ss.mu.Unlock()
		batch = ss.list(batch[:0])
		for _, st := range batch {
			if st.state.Load() == streamActive && st.peer.ctx.Load() != nil && hangup.Seen(st.raw) {
				st.peer.leave()
			}
		}
		clear(batch)
	}
}

// closeWaiting closes connections in this state, and returns how many.
func (ss *streams) closeWaiting(state int32) int {
	n := 0
	for _, st := range ss.list(nil) {
		if st.state.CompareAndSwap(state, streamClosed) {
			st.closeSoon() // its goroutine does the rest
			n++
		}
	}
	return n
}

// cut breaks all connections off, and returns how many there were.
func (ss *streams) cut(cause error) int {
	ss.mu.Lock()
	ss.closed = true
	ss.mu.Unlock()
	cut := 0
	for _, st := range ss.list(nil) {
		switch st.state.Load() {
		case streamHijacked: // counted there
			continue
		case streamClosed: // its work has ended
		default:
			cut++
		}
		st.peer.cancel(cause)
		if link := st.link.Load(); link != nil {
			link.Cut(cause)
		}
		if st.state.Load() == streamActive {
			st.abort()
		}
		_ = st.raw.Close() // TLS would wait for a client that does not read
	}
	return cut
}

// closeSoon closes a connection that its goroutine waits on, without waiting itself: the last
// words of TLS may have to wait for a client that takes nothing.
func (st *stream) closeSoon() {
	if st.sec == nil {
		_ = st.nc.Close()
		return
	}
	late := time.AfterFunc(lingerInDrain, func() { _ = st.raw.Close() })
	go func() {
		_ = st.nc.Close()
		late.Stop()
	}()
}
