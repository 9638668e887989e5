package runtimetest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// A fault spoils the set-up of a case in a way that the case must notice. The
// fields work on what every runtime has: limits, middleware, the wire that the
// client holds, the Server interface. A fault with a name alone is asked for by
// the case itself, see [T.planted].
type fault struct {
	name    string
	limits  func(*tako.Limits)
	http2   func(*tako.HTTP2Config)
	proxy   func(*tako.ProxyConfig)
	around  tako.Middleware // outermost, but for the common check
	reply   func() rewriter // of what the server sends
	request func() rewriter // of what the client sends
	deaf    bool            // the client never sees the server close
	frames  frameFilter     // of what the server sends over HTTP/2
	server  func(tako.Server) tako.Server
}

// rewriter changes a stream piece by piece; end says that no more follows.
type rewriter func(p []byte, end bool) []byte

// planted is a fault that the case carries out itself.
func planted(name string) fault { return fault{name: name} }

// deaf hides the close of a connection.
var deaf = fault{name: "close-swallowed", deaf: true}

// unlimited turns all limits off.
var unlimited = fault{name: "limits-off", limits: func(l *tako.Limits) {
	const off = tako.NoLimit
	*l = tako.Limits{HeaderTimeout: off, HandshakeTimeout: off, BodyTimeout: off, MinBodyRate: off, IdleTimeout: off, WriteTimeout: off,
		HeaderBytes: off, HeaderFields: off, TargetBytes: off, Conns: off, ConnsPerAddr: off}
}}

// mute swallows all that the server sends.
var mute = fault{name: "answer-swallowed", reply: func() rewriter {
	return func([]byte, bool) []byte { return nil }
}}

// twice sends every byte of the server a second time.
var twice = fault{name: "answer-doubled", reply: func() rewriter {
	return func(p []byte, _ bool) []byte { return append(p, p...) }
}}

func limited(name string, f func(*tako.Limits)) fault { return fault{name: name, limits: f} }

func proxied(name string, f func(*tako.ProxyConfig)) fault { return fault{name: name, proxy: f} }

func around(name string, mw tako.Middleware) fault { return fault{name: name, around: mw} }

func serverFault(name string, f func(tako.Server) tako.Server) fault {
	return fault{name: name, server: f}
}

// replies replaces text in what the server sends, head and framing included. The
// end of the stream is kept back while it could begin the text, so the text must
// not begin with a line end.
func replies(name, from, to string) fault {
	return fault{name: name, reply: func() rewriter { return replacer(from, to) }}
}

// bodies replaces text in the bodies that handlers write.
func bodies(name, from, to string) fault {
	return around(name, func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.BeforeHead(func(h *tako.Head) {
				h.Length = -1
				c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &rewriting{next, replacer(from, to)} })
			})
			return next(c)
		}
	})
}

type rewriting struct {
	tako.BodyWriter
	rewrite rewriter
}

func (w *rewriting) Write(p []byte) (int, error) {
	_, err := w.BodyWriter.Write(w.rewrite(p, false))
	return len(p), err
}

func (w *rewriting) Close(err error) error {
	if rest := w.rewrite(nil, true); len(rest) > 0 && err == nil {
		_, _ = w.BodyWriter.Write(rest)
	}
	return w.BodyWriter.Close(err)
}

// asks replaces text in what the client sends.
func asks(name, from, to string) fault {
	return fault{name: name, request: func() rewriter { return replacer(from, to) }}
}

// turned answers 200 in place of a status.
func turned(status string) fault {
	return replies("status-"+status+"-turned-200", "HTTP/1.1 "+status+" ", "HTTP/1.1 200 ")
}

// replacer keeps back what could be the beginning of from.
func replacer(from, to string) rewriter {
	var held []byte
	return func(p []byte, end bool) []byte {
		held = append(held, p...)
		all := bytes.ReplaceAll(held, []byte(from), []byte(to))
		keep := 0
		if !end {
			for n := min(len(from)-1, len(all)); n > 0; n-- {
				if strings.HasPrefix(from, string(all[len(all)-n:])) {
					keep = n
					break
				}
			}
		}
		out := all[:len(all)-keep]
		held = bytes.Clone(all[len(all)-keep:])
		return out
	}
}

// detached hides from handlers that their request has ended.
var detached = around("context-detached", func(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.SetContext(context.WithoutCancel(c.Context()))
		return next(c)
	}
})

// muffled turns every failure of a handler into a response that ended well.
var muffled = around("failure-hidden", func(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		defer func() { _ = recover() }()
		_ = next(c)
		return nil
	}
})

// wire is the client's end of a connection under a fault.
type wire struct {
	net.Conn
	f       *fault
	in, out rewriter

	rest   []byte // rewritten bytes that were not read yet
	ended  error
	closed chan struct{}
	once   sync.Once

	mu       sync.Mutex
	deadline time.Time
}

func newWire(c net.Conn, f *fault) *wire {
	w := &wire{Conn: c, f: f, closed: make(chan struct{})}
	if f.reply != nil {
		w.in = f.reply()
	}
	if f.request != nil {
		w.out = f.request()
	}
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	for len(w.rest) == 0 && w.ended == nil {
		buf := make([]byte, 32<<10)
		n, err := w.Conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) && n == 0 {
			return 0, err
		}
		w.rest = buf[:n]
		if w.in != nil {
			w.rest = w.in(w.rest, err != nil)
		}
		w.ended = err
	}
	if len(w.rest) > 0 {
		n := copy(p, w.rest)
		w.rest = w.rest[n:]
		return n, nil
	}
	if w.f.deaf {
		return 0, w.wait()
	}
	return 0, w.ended
}

// wait behaves like a connection on which nothing comes.
func (w *wire) wait() error {
	w.mu.Lock()
	left := time.Until(w.deadline)
	if w.deadline.IsZero() {
		left = time.Minute
	}
	w.mu.Unlock()
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return os.ErrDeadlineExceeded
	case <-w.closed:
		return net.ErrClosed
	}
}

func (w *wire) Write(p []byte) (int, error) {
	if w.out == nil {
		return w.Conn.Write(p)
	}
	if _, err := w.Conn.Write(w.out(bytes.Clone(p), true)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	w.deadline = t
	w.mu.Unlock()
	return w.Conn.SetReadDeadline(t)
}

func (w *wire) SetDeadline(t time.Time) error {
	return errors.Join(w.SetReadDeadline(t), w.SetWriteDeadline(t))
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return w.Conn.Close()
}

// CloseWrite ends the client's side only.
func (w *wire) CloseWrite() error {
	if half, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
