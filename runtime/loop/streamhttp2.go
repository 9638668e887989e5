package loop

import (
	"errors"
	"os"
	"time"

	"github.com/tako-go/tako/internal/handshake"
	"github.com/tako-go/tako/internal/http2serve"
)

// multiplexes serves a connection that speaks HTTP/2, to its end. It returns false
// if the connection does not.
func (st *stream) multiplexes() bool {
	s := st.srv
	info := st.peer.connInfo()
	if info.TLS != nil {
		if info.TLS.NegotiatedProtocol != handshake.HTTP2 {
			return false
		}
	} else if !s.sniffs() || st.state.Load() != streamFresh {
		return false
	} else if whole, err := st.awaitPreface(); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.stats.timedOut.Add(1)
		}
		return true
	} else if !whole {
		return false
	}
	if !st.state.CompareAndSwap(streamFresh, streamLinked) {
		return true // closed by a shutdown
	}
	_ = st.nc.SetReadDeadline(time.Time{})
	opts := http2serve.LinkOptions{Info: info, Raw: st.raw, Received: st.buf[:st.w], Stopping: s.stopping}
	if info.TLS != nil {
		opts.Misdirected = func(host string) bool { return s.misdirected(info, host) }
	}
	link := http2serve.NewLink(&s.http2, st.nc, opts)
	st.link.Store(link)
	link.Run()
	return true
}

// awaitPreface reads until it is known whether the connection begins with the preface.
func (st *stream) awaitPreface() (whole bool, err error) {
	st.headBy = deadline(st.srv.limits.HeaderTimeout) // of the first head, too
	for {
		whole, part := http2serve.Preface(st.buf[st.r:st.w])
		if !part {
			return whole, nil
		}
		if err := st.fill(st.headBy); err != nil {
			return false, err
		}
	}
}

// drainLinks tells the clients of HTTP/2 that their connections will end, and returns how
// many had no request under way.
func (ss *streams) drainLinks(final bool) (idle int) {
	for _, st := range ss.list(nil) {
		if link := st.link.Load(); link != nil && link.Drain(final) {
			idle++
		}
	}
	return idle
}
