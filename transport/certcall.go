package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// maxCalls bounds how many calls of one Cert.Get are under way at once, together with
// those that no handshake waits for any more.
const maxCalls = 1024

type getFunc = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

type answer struct {
	cert *tls.Certificate
	err  error
}

// certCalls makes handshakes that are over not wait for get: crypto/tls closes the
// connection then, but does not return before get does. The call goes on without it.
type certCalls struct {
	get   getFunc
	log   func() *slog.Logger
	slots chan struct{}
}

var errNoAnswer = errors.New("transport: Cert.Get ended its goroutine")

func bounded(get getFunc, log func() *slog.Logger) getFunc {
	c := &certCalls{get: get, log: log, slots: make(chan struct{}, maxCalls)}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return c.wait(hello.Context(), hello) }
}

func (c *certCalls) wait(ctx context.Context, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("transport: %d calls of Cert.Get are under way: %w", cap(c.slots), context.Cause(ctx))
	}
	answers := make(chan answer, 1)
	go c.call(hello, answers)
	select {
	case a := <-answers:
		return a.cert, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("transport: waiting for Cert.Get: %w", context.Cause(ctx))
	}
}

// call answers once, whatever get does.
func (c *certCalls) call(hello *tls.ClientHelloInfo, answers chan<- answer) {
	a := answer{err: errNoAnswer}
	defer func() {
		if v := recover(); v != nil {
			c.log().Error("Cert.Get panicked", "panic", v, "stack", string(debug.Stack()))
			a = answer{err: fmt.Errorf("transport: Cert.Get panicked: %v", v)}
		}
		answers <- a
		<-c.slots
	}()
	a.cert, a.err = c.get(hello)
}
