package runtimetest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
)

// latePatience bounds what must happen soon.
const latePatience = 20 * time.Second

// lateWait is how long a shutdown is given to return before what is being accepted: one over
// net/http waits for that.
const lateWait = time.Second

// lateListener has connections that the server is still taking in while it is shut down.
type lateListener struct {
	*net.TCPListener
	asked chan struct{} // gets a value when the server has asked for the address of one
	free  chan struct{} // closed when that is told
}

// Accept wraps the connection, so that nothing takes it for a plain one.
func (l *lateListener) Accept() (net.Conn, error) {
	c, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return &lateConn{TCPConn: c, ln: l}, nil
}

type lateConn struct {
	*net.TCPConn
	ln   *lateListener
	once sync.Once
}

// RemoteAddr waits, the first time.
func (c *lateConn) RemoteAddr() net.Addr {
	c.once.Do(func() {
		c.ln.asked <- struct{}{}
		<-c.ln.free
	})
	return c.TCPConn.RemoteAddr()
}

// AcceptedLate shows that a connection is closed which is being accepted while a shutdown ends
// that cuts everything: it must not be served, by nobody knows whom. server makes the server of
// this listener, which must ask for the RemoteAddr of a connection before it counts it as its own.
func AcceptedLate(t *testing.T, server func(ln net.Listener) tako.Server) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := &lateListener{TCPListener: inner.(*net.TCPListener), asked: make(chan struct{}, 1), free: make(chan struct{})}
	release := sync.OnceFunc(func() { close(ln.free) })
	defer release()
	s := server(ln)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	client, err := net.DialTimeout("tcp", inner.Addr().String(), latePatience)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_ = client.SetDeadline(time.Now().Add(latePatience))
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	mustCome(t, "the connection to be taken in", ln.asked)

	over, cancel := context.WithCancel(context.Background())
	cancel()
	ended := make(chan struct{}, 1)
	go func() {
		_, _ = s.Shutdown(over) // it may call what is being accepted cut, or not know of it
		ended <- struct{}{}
	}()
	select {
	case <-ended:
	case <-time.After(lateWait):
		defer mustCome(t, "Shutdown to return", ended)
	}
	release()
	got, err := io.ReadAll(client)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		t.Error("a connection that was accepted while the shutdown ended was left open")
	}
	if len(got) > 0 {
		t.Errorf("it was served: %q", got)
	}
	if err := mustCome(t, "Serve to return", served); err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func mustCome[T any](t *testing.T, what string, c <-chan T) (value T) {
	t.Helper()
	timer := time.NewTimer(latePatience)
	defer timer.Stop()
	select {
	case value = <-c:
	case <-timer.C:
		t.Fatalf("after %v still not: %s", latePatience, what)
	}
	return value
}
