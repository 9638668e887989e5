package http2serve_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

const maxStreamID = 1<<31 - 1

// shutdown drains the server and returns where its report will be.
func (s *server) shutdown(t *testing.T) <-chan tako.Report {
	t.Helper()
	result := make(chan tako.Report, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		report, err := s.Shutdown(ctx)
		if err != nil {
			t.Errorf("Shutdown: %v, %v", report, err)
		}
		result <- report
	}()
	return result
}

// held has a handler that waits.
func held() (app *tako.Router, entered chan struct{}, release chan struct{}) {
	app, entered, release = tako.New(), make(chan struct{}, 100), make(chan struct{})
	app.Get("/wait", func(c *tako.Context) error {
		entered <- struct{}{}
		<-release
		return c.Text(http.StatusOK, "waited")
	})
	app.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "hello") })
	return app, entered, release
}

// A drain is announced before it is final: requests on their way are served, later ones
// refused such that they may be sent again, and those under way end.
func TestDrainInTwoSteps(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		app, entered, release := held()
		s := k.serve(t, app, config{})
		c := s.framed(t).settled()
		c.get(1, "/wait")
		await(t, "the handler", entered)
		result := s.shutdown(t)
		c.mute = true // the client has not seen the PING yet
		c.until("GOAWAY", func() bool { return len(c.goAways) == 1 })
		assert.Equal(t, c.goAways[0], goAway{maxStreamID, http2.ErrCodeNo})
		c.get(3, "/") // it was on its way
		c.answered(200, 3)
		c.until("the last GOAWAY", func() bool { return len(c.goAways) == 2 }) // without an answer to the PING
		assert.Equal(t, c.goAways[1], goAway{3, http2.ErrCodeNo})
		c.get(5, "/")
		c.alive()
		if m := c.on(5); m.reset != nil && *m.reset != http2.ErrCodeRefusedStream || m.status() != 0 {
			t.Errorf("a later request: got %v, reset %v", m.statuses, m.code())
		}
		close(release)
		assert.Equal(t, string(c.answered(200, 1).body), "waited")
		c.ended()
		report := await(t, "the report", result)
		assert.Equal(t, report.Cut, 0, "cut")
		assert.Equal(t, report.Drained, 1, "drained")
	})
}

// Idle connections end at once.
func TestDrainIdle(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		for range 5 { // a machine that stalls may take a second, too
			if drainsAtOnce(t, k) {
				return
			}
		}
		t.Error("idle connections are waited for")
	})
}

// drainsAtOnce reports whether a drain of idle connections ends long before those have to
// that have said nothing, which is after a second.
func drainsAtOnce(t *testing.T, k target) bool {
	app, _, _ := held()
	s := k.serve(t, app, config{})
	const n = 5
	var all []*framed
	for range n {
		c := s.framed(t).settled()
		c.get(1, "/")
		c.answered(200, 1)
		all = append(all, c)
	}
	began := time.Now()
	result := s.shutdown(t)
	for _, c := range all {
		assert.Equal(t, c.ended(), int(http2.ErrCodeNo))
		assert.Equal(t, c.goAways, []goAway{{maxStreamID, http2.ErrCodeNo}, {1, http2.ErrCodeNo}})
		_ = c.Close()
	}
	report := await(t, "the report", result)
	assert.Equal(t, report.Idle+report.Drained, n, "connections")
	assert.Equal(t, report.Cut, 0, "cut")
	// A connection may not have come to rest yet when its client has the answer.
	return time.Since(began) < 900*time.Millisecond && report.Idle == n
}

// A drain that is cut ends requests and connections, also those of clients that read nothing.
func TestDrainCut(t *testing.T) {
	leavesNothing(t)
	over(t, allTargets, func(t *testing.T, k target) {
		causes, entered := make(chan error, 10), make(chan struct{}, 10)
		s := k.serve(t, waiting(entered, causes, tako.Blocking()), config{})
		s.cut = true
		for i := range 4 {
			c := s.framed(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: maxStreamID}).settled()
			_ = c.fr.WriteWindowUpdate(0, maxStreamID-65535)
			c.get(1, []string{"/", "/write"}[i%2])
			await(t, "the handler", entered)
		}
		pass(t, soon/10) // the writers fill the sockets
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		began := time.Now()
		report, err := s.Shutdown(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		if since := time.Since(began); since > 20*soon {
			t.Errorf("took %v", since)
		}
		assert.Equal(t, report.Cut, 4, "cut")
		for range 4 {
			if cause := await(t, "the end of a handler", causes); cause == nil || errors.Is(cause, tako.ErrClientGone) {
				t.Errorf("got %v", cause)
			}
		}
	})
}

// Connections that are in their handshake when the drain begins may still have a request
// served; those that never end it are closed.
func TestDrainLateHandshake(t *testing.T) {
	over(t, tlsTargets, func(t *testing.T, k target) {
		app, entered, release := held()
		s := k.serve(t, app, config{})
		hold := s.framed(t).settled()
		hold.get(1, "/wait")
		await(t, "the handler", entered)
		late, err := net.Dial("tcp", s.Addr().String())
		assert.NoError(t, err)
		defer late.Close()
		never, err := net.Dial("tcp", s.Addr().String())
		assert.NoError(t, err)
		defer never.Close()
		assert.Eventually(t, patience, "them to be accepted", func() bool { return s.counts().conns == 3 })
		result := s.shutdown(t)
		hold.until("GOAWAY", func() bool { return len(hold.goAways) > 0 })
		_ = late.SetDeadline(time.Now().Add(patience))
		over := tls.Client(late, clientTLS("h2"))
		assert.NoError(t, over.Handshake())
		c := frames(t, over)
		_, _ = io.WriteString(c, http2.ClientPreface)
		_ = c.fr.WriteSettings()
		c.get(1, "/")
		c.answered(200, 1)
		c.ended()
		_ = never.SetReadDeadline(time.Now().Add(patience))
		_, err = never.Read(make([]byte, 1))
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Error("who says nothing was not closed")
		}
		close(release)
		hold.answered(200, 1)
		assert.Equal(t, await(t, "the report", result).Cut, 0, "cut")
	})
}

// A client of net/http loses no request over rolling restarts: what the old server refuses it
// sends to the new one.
func TestDrainUnderLoad(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		var mu sync.Mutex
		var current *server
		app := func() *tako.Router { app, _, _ := held(); return app }
		current = k.serve(t, app(), config{})
		tr := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: clientTLS("h2")}
		tr.Protocols.SetHTTP2(k.tls)
		tr.Protocols.SetUnencryptedHTTP2(!k.tls)
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			return new(net.Dialer).DialContext(ctx, "tcp", current.Addr().String())
		}
		t.Cleanup(tr.CloseIdleConnections)
		c := &http.Client{Transport: tr, Timeout: patience}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		url := "http://a.example/"
		if k.tls {
			url = "https://a.example/"
		}
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					got, err := ask(c, request(t, "GET", url, nil))
					if err != nil || got.body != "hello" {
						t.Errorf("got %q and %v", got.body, err)
						return
					}
				}
			})
		}
		for range 5 {
			next := k.serve(t, app(), config{})
			mu.Lock()
			old := current
			current = next
			mu.Unlock()
			pass(t, soon/4)
			report := await(t, "the report", old.shutdown(t))
			assert.Equal(t, report.Cut, 0, "cut")
		}
		close(stop)
		wg.Wait()
	})
}

// Servers that start and stop leave nothing.
func TestStartStop(t *testing.T) {
	leavesNothing(t)
	const times = 30
	over(t, allTargets, func(t *testing.T, k target) {
		for i := range times {
			app, _, _ := held()
			s := k.made(t, app, config{})
			assert.NoError(t, s.Listen(t.Context()))
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			c := s.framed(t)
			left := make(chan struct{})
			switch i % 3 {
			case 0:
				c.get(1, "/")
				c.answered(200, 1)
				close(left)
				_ = c.Close()
			case 1:
				c.settled()
				go func() {
					defer close(left)
					c.ended()
					_ = c.Close()
				}()
			case 2:
				close(left)
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			if i%3 == 2 {
				cancel()
			}
			_, err := s.Shutdown(ctx)
			cancel()
			if err != nil && i%3 != 2 {
				t.Fatal(fmt.Sprint("Shutdown ", i, ": "), err)
			}
			assert.NoError(t, await(t, "Serve", served))
			_ = c.Close()
			<-left
		}
	})
}
