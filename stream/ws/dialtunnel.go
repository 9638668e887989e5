package ws

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tako-go/tako"
)

// tunnel opens a socket as a stream of HTTP/2 or HTTP/3, by extended CONNECT.
func (d *dialer) tunnel(ctx context.Context) (*Conn, *http.Response, error) {
	carrier := d.cfg.HTTP2
	// The stream lives longer than ctx, which is for the handshake.
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	ours, theirs := net.Pipe()
	req := (&http.Request{Method: http.MethodConnect, URL: d.url, Host: d.host(), Header: d.header(),
		Body: halfPipe{theirs}, ContentLength: -1}).WithContext(life)
	if carrier != nil {
		req.Header[":protocol"] = []string{"websocket"}
	} else {
		carrier = d.cfg.HTTP3
		req.Proto = "websocket"
	}
	resp, err := carrier.RoundTrip(req)
	var agreed agreement
	in := io.ReadCloser(http.NoBody)
	if err == nil {
		in = resp.Body
		agreed, err = d.agreed(resp, http.StatusOK, nil)
	}
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = ours.Close()
		_ = theirs.Close()
		end(err)
		_ = in.Close()
		return nil, resp, err
	}
	resp.Body = http.NoBody
	go func() { // until the stream has ended, or nobody reads it any more
		_, err := io.Copy(theirs, in)
		_ = theirs.Close() // first: in waits until nobody reads what we write
		_ = in.Close()
		if err == nil || errors.Is(err, io.ErrClosedPipe) {
			err = context.Canceled
		}
		end(err)
	}()
	c := newConn(d.side, agreed)
	c.attach(ctx, &tunnelConn{ours, end}, new(tako.ConnInfo), false)
	return c, resp, nil
}

// tunnelConn is our end of a stream.
type tunnelConn struct {
	net.Conn
	end context.CancelCauseFunc
}

// Close ends our side, and soon the stream, if the other has not by then.
func (t *tunnelConn) Close() error {
	err := t.Conn.Close()
	time.AfterFunc(lingerTime, func() { t.end(net.ErrClosed) })
	return err
}

// halfPipe is the body of a request: what we have written. That the carrier closes it does not
// end what comes from the other side.
type halfPipe struct{ net.Conn }

func (h halfPipe) Close() error { return nil }
