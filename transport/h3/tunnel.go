package h3

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako"
)

// Datagrams is implemented by what [tako.Context.Upgrade] returns for an extended CONNECT over
// HTTP/3, if Config.Datagrams is set: the HTTP datagrams of that request (RFC 9297). Both
// methods may be called concurrently. Datagrams may be lost, and those that nobody receives
// are dropped: 32 wait.
type Datagrams interface {
	// SendDatagram sends p, which must fit into a packet: about 1200 bytes.
	SendDatagram(p []byte) error
	// ReceiveDatagram returns the next one.
	ReceiveDatagram(ctx context.Context) ([]byte, error)
}

// tunnel is the stream of an extended CONNECT that was accepted (RFC 9220). It lasts until
// it is closed, whatever becomes of the handler.
type tunnel struct {
	*http3.Stream
	out  tunnelWriter
	x    *request
	info *tako.ConnInfo
	once sync.Once
	done chan struct{}
}

// datagramTunnel shows the datagrams.
type datagramTunnel struct{ *tunnel }

var (
	_ net.Conn  = (*tunnel)(nil)
	_ Datagrams = datagramTunnel{}
)

// upgrade accepts an extended CONNECT, as [tako.Conn] says. Behind other handlers of net/http
// the writer is not ours, and it is not accepted.
func upgrade(_ http.ResponseWriter, r *http.Request) (net.Conn, error) {
	x, ok := r.Context().Value(requestKey{}).(*request)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	if isWebTransport(r.Proto) {
		return x.session(r)
	}
	streamer, ok := x.responseWriter.(http3.HTTPStreamer)
	if !ok || !x.s.cfg.ExtendedConnect {
		return nil, errors.ErrUnsupported
	}
	x.connect = false
	x.bound()
	x.WriteHeader(http.StatusOK)
	if err := x.responseWriter.FlushError(); err != nil {
		return nil, x.late(err)
	}
	x.mu.Lock()
	x.patient = true
	x.mu.Unlock()
	x.parts.Add(1)
	t := &tunnel{Stream: streamer.HTTPStream(), x: x, info: x.c.tell.Info, done: make(chan struct{})}
	if r.RemoteAddr != x.c.addr {
		t.info = x.c.moved(r.RemoteAddr).Info
	}
	t.out.str = t.Stream
	x.tunnel = t
	_ = t.SetDeadline(time.Time{})
	if x.s.cfg.Datagrams {
		return datagramTunnel{t}, nil
	}
	return t, nil
}

// Read reads what the client sends; [io.EOF] is the end of it.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.Stream.Read(p)
	return n, t.failure(err)
}

// Write sends p. After a deadline has passed the next one goes on behind what was taken.
func (t *tunnel) Write(p []byte) (int, error) {
	n, err := t.out.write(p)
	return n, t.failure(err)
}

// failure is the error of a net.Conn.
func (t *tunnel) failure(err error) error {
	select {
	case <-t.done:
		if err != nil {
			return net.ErrClosed
		}
	default:
	}
	return err
}

// CloseWrite tells the client that nothing more comes. If the last write was cut short, our side
// is broken off instead, and that is the error.
func (t *tunnel) CloseWrite() error { return t.failure(t.out.end()) }

// Close ends the stream, as CloseWrite does. Reads and writes under way return.
func (t *tunnel) Close() error {
	err := net.ErrClosed
	t.once.Do(func() {
		err = nil
		close(t.done)
		_ = t.SetDeadline(time.Unix(1, 0)) // the stream ends behind a write under way
		t.CancelRead(quic.StreamErrorCode(http3.ErrCodeNoError))
		_ = t.out.end()
		t.x.partDone()
	})
	return err
}

// reset ends the stream of a handler that has failed.
func (t *tunnel) reset() { _ = t.breakOff(http3.ErrCodeInternalError) }

// Reset ends the stream such that the client sees an error.
func (t *tunnel) Reset() error { return t.breakOff(http3.ErrCodeRequestCanceled) }

func (t *tunnel) breakOff(code http3.ErrCode) error {
	err := net.ErrClosed
	t.once.Do(func() {
		err = nil
		close(t.done)
		t.CancelRead(quic.StreamErrorCode(code))
		t.CancelWrite(quic.StreamErrorCode(code))
		t.x.partDone()
	})
	return err
}

// LocalAddr is that of the connection.
func (t *tunnel) LocalAddr() net.Addr { return t.info.Local }

// RemoteAddr is that of the connection.
func (t *tunnel) RemoteAddr() net.Addr { return t.info.Remote }

// SendDatagram sends an HTTP datagram.
func (d datagramTunnel) SendDatagram(p []byte) error { return d.failure(d.Stream.SendDatagram(p)) }

// ReceiveDatagram returns the next HTTP datagram.
func (d datagramTunnel) ReceiveDatagram(ctx context.Context) ([]byte, error) {
	return d.Stream.ReceiveDatagram(ctx)
}
