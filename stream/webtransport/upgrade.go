package webtransport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
)

// Settings of clients that want flow control (draft-ietf-webtrans-http3-15, section 9.2).
const (
	settingStreamsUni  = 0x2b64
	settingStreamsBidi = 0x2b65
	settingData        = 0x2b61
)

// anyOrigin leaves origins to the handler, which has looked at them.
func anyOrigin(*http.Request) bool { return true }

// libraryWriter is the writer of a request in the eyes of the library.
type libraryWriter interface {
	http.ResponseWriter
	http.Flusher
	http3.HTTPStreamer
	http3.Settingser
}

// keeper keeps the stream of the CONNECT.
type keeper struct {
	libraryWriter
	stream *http3.Stream
	opens  func()
}

// HTTPStream sends the head, and returns the stream. The client may act as soon as it has the head,
// so the session is counted before.
func (k *keeper) HTTPStream() *http3.Stream {
	k.opens()
	k.stream = k.libraryWriter.HTTPStream()
	return k.stream
}

// Upgrade makes a session of an extended CONNECT; h3.Sessions says how.
func (h *host) Upgrade(w http.ResponseWriter, r *http.Request, took, ended func()) (net.Conn, error) {
	s, err := h.upgrade(w, r, took)
	if err != nil {
		h.refused.Add(1)
		return nil, err
	}
	context.AfterFunc(s.lib.Context(), func() {
		h.active.Add(-1)
		s.conn.leave()
		ended()
	})
	return sessionConn{s}, nil
}

func (h *host) upgrade(w http.ResponseWriter, r *http.Request, took func()) (*Session, error) {
	conn, ok := r.Context().Value(connKey{}).(*connection)
	writer, can := w.(libraryWriter)
	if !ok || !can {
		return nil, errors.ErrUnsupported
	}
	settings, err := h.settings(conn, writer)
	if err != nil {
		return nil, err
	}
	most, flow := h.cfg.Sessions, hasFlowControl(settings)
	if !flow {
		most = 1
	}
	if !conn.enter(most) {
		return nil, &tako.Error{Status: http.StatusTooManyRequests, Detail: "the connection has all the sessions that it may have"}
	}
	k := &keeper{libraryWriter: writer, opens: func() { h.count(1) }}
	session, err := h.lib.Upgrade(k, r)
	if err != nil {
		if k.stream != nil {
			h.count(-1)
		}
		conn.leave()
		return nil, &tako.Error{Status: http.StatusBadRequest, Detail: "no session can be opened", Err: err}
	}
	return newSession(r.Context(), h.cfg, conn, session, k.stream, flow, took), nil
}

// count counts a session that opens, or takes it back.
func (h *host) count(n int64) {
	h.opened.Add(n)
	h.active.Add(n)
}

// settings waits for those of the client, without which it may not have a session.
func (h *host) settings(conn *connection, w libraryWriter) (*http3.Settings, error) {
	timer := time.NewTimer(h.cfg.EarlyTimeout)
	defer timer.Stop()
	select {
	case <-w.ReceivedSettings():
	case <-conn.qc.Context().Done():
		return nil, tako.ErrClientGone
	case <-timer.C:
		return nil, &tako.Error{Status: http.StatusBadRequest, Detail: "there are no settings of HTTP/3 for a session of WebTransport"}
	}
	settings := w.Settings()
	if !settings.EnableDatagrams || !conn.qc.ConnectionState().SupportsDatagrams.Remote {
		return nil, &tako.Error{Status: http.StatusBadRequest, Detail: "the client does not take datagrams, which WebTransport needs"}
	}
	return settings, nil
}

func hasFlowControl(s *http3.Settings) bool {
	return s.Other[settingStreamsUni] > 0 || s.Other[settingStreamsBidi] > 0 || s.Other[settingData] > 0
}

// sessionConn brings a session through Context.Upgrade, which returns a net.Conn.
type sessionConn struct{ s *Session }

func (c sessionConn) Read([]byte) (int, error)         { return 0, errors.ErrUnsupported }
func (c sessionConn) Write([]byte) (int, error)        { return 0, errors.ErrUnsupported }
func (c sessionConn) Close() error                     { return c.s.Close(codeFailed, "") }
func (c sessionConn) LocalAddr() net.Addr              { return c.s.LocalAddr() }
func (c sessionConn) RemoteAddr() net.Addr             { return c.s.RemoteAddr() }
func (c sessionConn) SetDeadline(time.Time) error      { return errors.ErrUnsupported }
func (c sessionConn) SetReadDeadline(time.Time) error  { return errors.ErrUnsupported }
func (c sessionConn) SetWriteDeadline(time.Time) error { return errors.ErrUnsupported }
