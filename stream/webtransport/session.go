package webtransport

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go/http3"
	lib "github.com/quic-go/webtransport-go"
)

// Session is a session with one client. Its methods may be called concurrently. When it has ended
// their error is a [SessionError], or one that matches [tako.ErrClientGone] if the connection was lost.
type Session struct {
	lib    *lib.Session
	conn   *connection
	stream *http3.Stream // of the CONNECT
	flow   bool          // the library may write to it at any time
	took   func()
	remote net.Addr

	ctx      context.Context
	cancel   context.CancelCauseFunc
	draining <-chan struct{}

	endMu  sync.Mutex // one writes to stream at a time
	ending bool

	bidi, uni chan struct{} // places of the client's streams
	datagrams datagrams
	counts    counts
	watched   bool         // there is a limit for what follows
	last      atomic.Int64 // when something came or went, in nanoseconds of Unix time
}

func newSession(ctx context.Context, cfg ServerConfig, conn *connection, ls *lib.Session, stream *http3.Stream, flow bool, took func()) *Session {
	s := &Session{lib: ls, conn: conn, stream: stream, flow: flow, took: took, remote: ls.RemoteAddr(),
		bidi: make(chan struct{}, cfg.Streams), uni: make(chan struct{}, cfg.UniStreams)}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(ls.Context(), func() { s.cancel(s.gone()) })
	return s
}

// gone is why the session has ended.
func (s *Session) gone() error {
	_, err := s.lib.OpenStream() // it opens none
	if err == nil {
		return context.Canceled
	}
	return s.convert(err)
}

// Context ends with the session, with the error of that as its cause. It has the values of that of
// the request, and neither its deadline nor its end.
func (s *Session) Context() context.Context { return s.ctx }

// Draining is closed when the server begins to drain. The session may go on until the time for
// that is over.
func (s *Session) Draining() <-chan struct{} { return s.draining }

// Protocol is the protocol of the application that was agreed on, "" for none: the first that
// the client has offered of ServerConfig.Protocols.
func (s *Session) Protocol() string { return s.lib.SessionState().ApplicationProtocol }

// RemoteAddr is the address of the client when the session began.
func (s *Session) RemoteAddr() net.Addr { return s.remote }

// LocalAddr is the address of the server.
func (s *Session) LocalAddr() net.Addr { return s.lib.LocalAddr() }

// AcceptStream returns the next bidirectional stream of the client. It waits while as many as
// ServerConfig.Streams have not ended, for which both sides of a stream have to be read to the end,
// closed or cancelled.
func (s *Session) AcceptStream(ctx context.Context) (*Stream, error) {
	if err := s.take(ctx, s.bidi); err != nil {
		return nil, err
	}
	str, err := s.lib.AcceptStream(ctx)
	if err != nil {
		<-s.bidi
		return nil, s.convert(err)
	}
	s.took()
	s.counts.accepted.Add(1)
	s.touch()
	return newStream(s, str, func() { <-s.bidi }), nil
}

// AcceptUniStream returns the next unidirectional stream of the client. It waits while as many as
// ServerConfig.UniStreams were not read to the end or cancelled.
func (s *Session) AcceptUniStream(ctx context.Context) (*ReceiveStream, error) {
	if err := s.take(ctx, s.uni); err != nil {
		return nil, err
	}
	str, err := s.lib.AcceptUniStream(ctx)
	if err != nil {
		<-s.uni
		return nil, s.convert(err)
	}
	s.counts.accepted.Add(1)
	s.touch()
	return &ReceiveStream{receiver{s: s, lib: str, end: func() { <-s.uni }}}, nil
}

// take waits for a place.
func (s *Session) take(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// OpenStream opens a bidirectional stream. It waits while the client allows no more. The client
// learns of it by the first write.
func (s *Session) OpenStream(ctx context.Context) (*Stream, error) {
	str, err := s.lib.OpenStreamSync(ctx)
	if err != nil {
		return nil, s.convert(err)
	}
	s.counts.opened.Add(1)
	return newStream(s, str, func() {}), nil
}

// OpenUniStream opens a unidirectional stream. It waits while the client allows no more.
func (s *Session) OpenUniStream(ctx context.Context) (*SendStream, error) {
	str, err := s.lib.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, s.convert(err)
	}
	s.counts.opened.Add(1)
	return &SendStream{sender{s: s, lib: str, end: func() {}}}, nil
}

// begin starts what the route has set.
func (s *Session) begin(cfg Config, draining <-chan struct{}) {
	s.draining = draining
	s.touch()
	s.datagrams.init(cfg.Datagrams)
	go s.receive()
	if cfg.IdleTimeout > 0 {
		s.watched = true
		s.watch(cfg.IdleTimeout)
	}
}

func (s *Session) touch() { s.last.Store(time.Now().UnixNano()) }

// watch closes the session when nothing has come or gone for a time.
func (s *Session) watch(limit time.Duration) {
	var timer *time.Timer
	var mu sync.Mutex
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(limit, func() {
		mu.Lock()
		defer mu.Unlock()
		left := limit - time.Since(time.Unix(0, s.last.Load()))
		switch {
		case s.ctx.Err() != nil:
		case left > 0:
			timer.Reset(left)
		default:
			go func() { _ = s.Close(0, "idle") }()
		}
	})
	context.AfterFunc(s.ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
	})
}

// Stats are counters of a session.
type Stats struct {
	// Accepted are streams of the client, Opened our own.
	Accepted, Opened int64
	// Received and Sent are bytes of streams.
	Received, Sent int64
	// DatagramsReceived were handed out, DatagramsDropped were not, as too many waited for
	// ReceiveDatagram; DatagramsSent were given to QUIC.
	DatagramsReceived, DatagramsDropped, DatagramsSent int64
}

type counts struct {
	accepted, opened, received, sent, gotDatagrams, dropped, sentDatagrams atomic.Int64
}

// Stats returns the counters.
func (s *Session) Stats() Stats {
	c := &s.counts
	return Stats{Accepted: c.accepted.Load(), Opened: c.opened.Load(), Received: c.received.Load(), Sent: c.sent.Load(),
		DatagramsReceived: c.gotDatagrams.Load(), DatagramsDropped: c.dropped.Load(), DatagramsSent: c.sentDatagrams.Load()}
}
