package loop_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/transport"
)

// streamFuncs is a tako.StreamEvents of functions, of which all may be nil.
type streamFuncs struct {
	open, end, writable, drain func(s tako.EventStream)
	data                       func(s tako.EventStream, p []byte)
	closed                     func(err error)
}

func (f *streamFuncs) Open(s tako.EventStream)     { tellStream(f.open, s) }
func (f *streamFuncs) Writable(s tako.EventStream) { tellStream(f.writable, s) }
func (f *streamFuncs) Drain(s tako.EventStream)    { tellStream(f.drain, s) }

func (f *streamFuncs) Data(s tako.EventStream, p []byte) {
	if f.data != nil {
		f.data(s, p)
	}
}

func (f *streamFuncs) End(s tako.EventStream) {
	if f.end == nil {
		s.Close()
	}
	tellStream(f.end, s)
}

func (f *streamFuncs) Closed(err error) {
	if f.closed != nil {
		f.closed(err)
	}
}

func tellStream(f func(tako.EventStream), s tako.EventStream) {
	if f != nil {
		f(s)
	}
}

func echoStream(s tako.EventStream, p []byte) { _, _ = s.Write(p) }

// closings collects the errors of Closed.
type closings chan error

func (e closings) tell(err error) { e <- err }

func (e closings) next(t *testing.T) error {
	t.Helper()
	return await(t, "Closed", e)
}

// upgradeWays are the ways to a socket: who runs the handler, over what.
var upgradeWays = func() (all []upgradeWay) {
	for _, poller := range []string{"epoll", "io_uring"} {
		all = append(all,
			upgradeWay{name: poller + " inline", poller: poller, opts: []tako.Option{tako.Inline()}},
			upgradeWay{name: poller + " offloaded", poller: poller, opts: []tako.Option{tako.Blocking()}},
			upgradeWay{name: poller + " timed", poller: poller, opts: []tako.Option{tako.Timeout(time.Minute)}},
			upgradeWay{name: poller + " tls", poller: poller, tls: true})
	}
	return all
}()

type upgradeWay struct {
	name, poller string
	opts         []tako.Option
	tls          bool
}

// plainWays has each poller once.
var plainWays = []upgradeWay{{name: "epoll", poller: "epoll"}, {name: "io_uring", poller: "io_uring"}}

func overUpgrades(t *testing.T, ways []upgradeWay, test func(t *testing.T, w upgradeWay)) {
	t.Helper()
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			way{poller: w.poller}.need(t)
			test(t, w)
		})
	}
}

// upgradeRig is a server whose path /up upgrades. It must leave nothing behind.
type upgradeRig struct {
	t   *testing.T
	w   upgradeWay
	s   *loop.Server
	log *logBuffer
	cut bool // the test has cut connections
}

// start serves until the test ends; after is what the handler does behind UpgradeEvents.
func (w upgradeWay) start(t *testing.T, events func() tako.StreamEvents, stream tako.EventConfig, limits tako.Limits, after ...tako.Handler) *upgradeRig {
	t.Helper()
	warmUp(t)
	fds, goroutines := descriptorsOf(t), runtime.NumGoroutine()
	t.Cleanup(func() {
		if !t.Failed() {
			assert.Eventually(t, enough, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
			assert.Eventually(t, enough, "descriptors to be closed", func() bool { return descriptorsOf(t) <= fds })
		}
	})
	r := &upgradeRig{t: t, w: w, log: new(logBuffer)}
	log := slog.New(slog.NewTextHandler(r.log, nil))
	app := tako.New()
	app.Log(log)
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "plain") })
	app.Get("/up", func(c *tako.Context) error {
		if _, err := io.Copy(io.Discard, c.Body()); err != nil {
			return err
		}
		c.Header().Set("X-Own", "yes")
		c.Header().Set("Content-Length", "5")
		if err := c.UpgradeEvents(events(), stream); err != nil {
			return err
		}
		for _, f := range after {
			if err := f(c); err != nil {
				return err
			}
		}
		return nil
	}, w.opts...)
	cfg := loop.Config{Addr: "127.0.0.1:0", Poller: w.poller, Loops: 1, Limits: limits, Log: log}
	if w.tls {
		cfg.Certs = transport.SelfSigned("a.example")
	}
	r.s = loop.New(app, cfg)
	assert.NoError(t, r.s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- r.s.Serve() }()
	t.Cleanup(func() {
		_, err := r.shutdown(enough)
		if err != nil && !r.cut {
			t.Errorf("Shutdown: %v, with %d connections", err, r.s.Stats().Conns)
		}
		assert.NoError(t, await(t, "Serve to end", served))
		if !t.Failed() {
			assert.Eventually(t, enough, "connections to end", func() bool { return r.s.Stats().Conns == 0 })
		}
	})
	return r
}

func (r *upgradeRig) shutdown(within time.Duration) (tako.Report, error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return r.s.Shutdown(ctx)
}

const upgradeRequest = "GET /up HTTP/1.1\r\nHost: a.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

// upgraded is a client that reads through a buffer.
type upgraded struct {
	net.Conn
	tcp *net.TCPConn
	r   *bufio.Reader
}

func (c *upgraded) Read(p []byte) (int, error) { return c.r.Read(p) }

// connect returns a connection that has sent nothing.
func (r *upgradeRig) connect() *upgraded {
	r.t.Helper()
	nc, err := net.DialTimeout("tcp", r.s.Addr().String(), enough)
	assert.NoError(r.t, err)
	r.t.Cleanup(func() { _ = nc.Close() })
	assert.NoError(r.t, nc.SetDeadline(time.Now().Add(enough)))
	c := &upgraded{Conn: nc, tcp: nc.(*net.TCPConn)}
	if r.w.tls {
		c.Conn = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	c.r = bufio.NewReader(c.Conn)
	return c
}

// dial returns a connection that was upgraded; behind is sent with the request.
func (r *upgradeRig) dial(behind string) *upgraded {
	r.t.Helper()
	c := r.connect()
	_, err := io.WriteString(c, upgradeRequest+behind)
	assert.NoError(r.t, err)
	c.switched(r.t)
	return c
}

// switched demands the 101.
func (c *upgraded) switched(t *testing.T) {
	t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, http.StatusSwitchingProtocols)
	assert.Equal(t, strings.Join(resp.Header.Values("Upgrade"), ","), "echo")
	assert.Equal(t, strings.Join(resp.Header.Values("Connection"), ","), "Upgrade")
	assert.Equal(t, resp.Header.Get("X-Own"), "yes")
	assert.Equal(t, resp.Header.Get("Content-Length"), "")
	assert.Equal(t, resp.Header.Get("Transfer-Encoding"), "")
}

// closeWrite ends the side of the client.
func (c *upgraded) closeWrite(t *testing.T) {
	t.Helper()
	assert.NoError(t, c.Conn.(interface{ CloseWrite() error }).CloseWrite())
}

// journal notes what happens.
type journal struct {
	mu  sync.Mutex
	all []string
}

func (j *journal) add(what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, what)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.all, " ")
}
