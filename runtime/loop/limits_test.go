package loop_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// Limits of the head are exact, however the head comes.
func TestLimitsHead(t *testing.T) {
	t.Parallel()
	limits := tako.Limits{HeaderBytes: 5000, HeaderFields: 10, TargetBytes: 200}
	sized := func(size int) string {
		const begin, end = "GET / HTTP/1.1\r\nHost: a.example\r\nX-Long: ", "\r\n\r\n"
		return begin + strings.Repeat("a", size-len(begin)-len(end)) + end
	}
	fields := func(n int) string {
		return "GET / HTTP/1.1\r\nHost: a.example\r\n" + strings.Repeat("A: b\r\n", n-1) + "\r\n"
	}
	target := func(n int) string { return asking("/" + strings.Repeat("x", n-1)) }
	type test struct {
		name, request string
		status        int
	}
	tests := []test{
		{"bytes", sized(5000), 200}, {"bytes, more", sized(5001), 431}, {"bytes, many more", sized(200_000), 431},
		{"fields", fields(10), 200}, {"fields, more", fields(11), 431}, {"fields, many more", fields(2000), 431},
		{"target", target(200), 404}, {"target, more", target(201), 414}, {"target, many more", target(100_000), 414},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, greeter(w), limits)
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			for _, kept := range []bool{false, true} {
				for _, cut := range []int{0, 1, 40, len(tt.request) - 1} {
					c := reach(t, s)
					if kept {
						c.send(asking("/"))
						c.answer(200)
					}
					if cut > 0 {
						c.send(tt.request[:cut])
						pass(t, 2*time.Millisecond)
					}
					_, _ = io.WriteString(c, tt.request[cut:])
					resp, _, err := c.respond("GET")
					assert.NoError(t, err)
					assert.Equal(t, resp.StatusCode, tt.status)
					if tt.status == 431 || tt.status == 414 {
						assert.Equal(t, resp.Close, true, "says close")
						assert.Equal(t, c.rest(), "")
					}
					_ = c.Close()
				}
			}
		})
		assert.Eventually(t, enough, "all refused are counted", func() bool { return s.Stats().RefusedRequests == 6*8 })
		assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
	})
}

// The header timeout is about the whole head, from its first byte or that of the
// connection, and about no more than that.
func TestLimitsHeaderTimeout(t *testing.T) {
	t.Parallel()
	const limit = 2 * soon
	type test struct {
		name  string
		play  func(c *caller) bool // false if the machine was too slow
		least time.Duration        // from the begin of play; 0 for: stays open
		most  time.Duration
	}
	dribble := func(c *caller, text string, every time.Duration) {
		for i := range len(text) {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			pass(c.t, every)
		}
	}
	fresh := func(c *caller) bool { return c.served(asking("/"), c.dialed, limit) }
	sends := func(text string) func(c *caller) bool {
		return func(c *caller) bool { c.send(text); return true }
	}
	long := "GET / HTTP/1.1\r\nHost: a.example\r\nX: " + strings.Repeat("a", 200)
	const late = limit + 1500*time.Millisecond
	tests := []test{
		{"nothing", sends(""), limit, late},
		{"one byte", sends("G"), limit, late},
		{"all but one", sends(strings.TrimSuffix(asking("/"), "\n")), limit, late},
		{"dribbled", func(c *caller) bool { dribble(c, long, 20*time.Millisecond); return true }, limit, 5 * time.Second},
		{"first byte late", func(c *caller) bool { pass(c.t, limit*8/10); _, _ = io.WriteString(c, "GET / HT"); return true }, limit, limit * 16 / 10},
		{"second, one byte", func(c *caller) bool {
			if !fresh(c) {
				return false
			}
			pass(c.t, 2*limit)
			c.send("G")
			return true
		}, 3 * limit, 2*limit + late},
		{"second, dribbled", func(c *caller) bool {
			if !fresh(c) {
				return false
			}
			pass(c.t, 2*limit)
			dribble(c, long, 20*time.Millisecond)
			return true
		}, 3 * limit, 2*limit + 5*time.Second},
		{"second, begun with the first", func(c *caller) bool { return c.served(asking("/")+"GET /", c.dialed, limit) }, limit, late},
		{"behind a stream", func(c *caller) bool {
			c.send(posting("/sum", "Content-Length: 3", ""))
			pass(c.t, 5*time.Millisecond)
			if !c.served("abc", c.dialed, limit) {
				return false
			}
			pass(c.t, limit/2)
			c.send("G")
			return true
		}, limit, limit/2 + late},
		{"idle", func(c *caller) bool {
			if !fresh(c) {
				return false
			}
			c.silent(3 * limit)
			c.send(asking("/"))
			c.answer(200)
			return true
		}, 0, 0},
		{"cut in heads", func(c *caller) bool { // each head comes soon, but no segment ends with one
			text := asking("/")
			begun := c.dialed
			c.send(text[:10])
			for range 12 {
				pass(c.t, limit/6)
				next := time.Now()
				if !c.served(text[10:]+text[:10], begun, limit) {
					return false
				}
				begun = next
			}
			return c.served(text[10:], begun, limit)
		}, 0, 0},
		{"slow heads", func(c *caller) bool {
			begun := c.dialed
			for range 12 {
				_, _ = io.WriteString(c, "GET / HT")
				pass(c.t, limit/4)
				if !c.served("TP/1.1\r\nHost: a.example\r\n\r\n", begun, limit) {
					return false
				}
				begun = time.Now()
			}
			return true
		}, 0, 0},
		{"slow handler", func(c *caller) bool {
			if !c.served(asking("/slow")+"GET / HT", c.dialed, limit) {
				return false
			}
			return c.served("TP/1.1\r\nHost: a.example\r\n\r\n", c.dialed, 0) // counted since when the handler had ended
		}, 0, 0},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			app := summing(w)
			app.Get("/slow", func(c *tako.Context) error { pass(t, 2*limit); return c.Text(200, "slow") }, w.opts...)
			s := w.limited(t, app, tako.Limits{HeaderTimeout: limit, IdleTimeout: tako.NoLimit})
			unstalled(t, func() bool {
				before := s.Stats().TimedOut
				c := reach(t, s)
				if !tt.play(c) {
					assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
					return false
				}
				if tt.least == 0 {
					c.silent(limit + soon/2)
					return true
				}
				if got := c.rest(); strings.Contains(got, "200 OK") {
					t.Errorf("got %q", got)
				}
				if took := time.Since(c.dialed); took < tt.least-20*time.Millisecond || took > 5*tt.most { // a busy machine is late
					t.Errorf("closed after %v, want from %v to %v", took, tt.least, tt.most)
				}
				assert.Eventually(t, enough, "it is counted", func() bool { return s.Stats().TimedOut > before })
				assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
				return true
			})
		})
	})
}

// The idle timeout is about the time between requests.
func TestLimitsIdleTimeout(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		for _, limit := range []time.Duration{soon, 1500 * time.Millisecond} {
			s := w.limited(t, summing(w), tako.Limits{IdleTimeout: limit, HeaderTimeout: tako.NoLimit})
			asOnce(t, map[string]func(t *testing.T){
				"closed": func(t *testing.T) {
					unstalled(t, func() bool {
						c := reach(t, s)
						idle := time.Now().Add(time.Hour) // the first request has no idle time
						for range 3 {
							asked := time.Now()
							if !c.served(asking("/"), idle, limit) {
								return false
							}
							idle = asked // or later
							pass(t, limit/2)
						}
						began := time.Now()
						assert.Equal(t, c.rest(), "")
						if took := time.Since(began); took > limit/2+5*time.Second {
							t.Errorf("closed after %v", took)
						}
						return true
					})
				},
				"behind a stream": func(t *testing.T) {
					c := reach(t, s)
					c.send(posting("/sum", "Content-Length: 3", ""))
					pass(t, 5*time.Millisecond)
					c.send("abc")
					began := time.Now() // the server counts from its answer on
					c.answer(200)
					assert.Equal(t, c.rest(), "")
					if took := time.Since(began); took < limit-20*time.Millisecond || took > limit+5*time.Second {
						t.Errorf("closed after %v, want soon after %v", took, limit)
					}
				},
				"first request": func(t *testing.T) { // has no idle time
					c := reach(t, s)
					c.silent(2 * limit)
					c.send("GET / HT")
					c.silent(2 * limit)
					c.send("TP/1.1\r\nHost: a.example\r\n\r\n")
					c.answer(200)
				},
			})
		}
	})
}

// What has no limit goes on.
func TestLimitsNone(t *testing.T) {
	t.Parallel()
	const no = tako.NoLimit
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, summing(w), tako.Limits{HeaderTimeout: no, BodyTimeout: no, MinBodyRate: no, IdleTimeout: no, WriteTimeout: no,
			HeaderBytes: no, HeaderFields: no, TargetBytes: no, Conns: no, ConnsPerAddr: no})
		c := reach(t, s)
		c.silent(soon)
		c.send("GET /?" + strings.Repeat("x", 100_000) + " HTTP/1.1\r\nHost: a.example\r\n" + strings.Repeat("A: b\r\n", 5000))
		c.silent(soon)
		c.send("\r\n")
		assert.Equal(t, c.answer(200), "hello")
		c.silent(1500 * time.Millisecond)
		c.send(posting("/sum", "Content-Length: 3", "a"))
		c.silent(soon)
		c.send("bc")
		assert.Equal(t, c.answer(200), sum("abc", ""))
		c.silent(1500 * time.Millisecond)
		c.send(asking("/"))
		assert.Equal(t, c.answer(200), "hello")
	})
}

// Values that make no sense are errors of Listen.
func TestLimitsInvalid(t *testing.T) {
	t.Parallel()
	tests := map[string]loop.Config{
		"HeaderTimeout": {Limits: tako.Limits{HeaderTimeout: -2}},
		"BodyTimeout":   {Limits: tako.Limits{BodyTimeout: -2}},
		"MinBodyRate":   {Limits: tako.Limits{MinBodyRate: -2}},
		"IdleTimeout":   {Limits: tako.Limits{IdleTimeout: -2}},
		"WriteTimeout":  {Limits: tako.Limits{WriteTimeout: -2}},
		"HeaderBytes":   {Limits: tako.Limits{HeaderBytes: -2}},
		"HeaderFields":  {Limits: tako.Limits{HeaderFields: -2}},
		"TargetBytes":   {Limits: tako.Limits{TargetBytes: -2}},
		"Conns":         {Limits: tako.Limits{Conns: -2}},
		"ConnsPerAddr":  {Limits: tako.Limits{ConnsPerAddr: -2}},
		"Loops":         {Loops: -1},
		"Loops, many":   {Loops: 100_000},
		"PipelineBytes": {PipelineBytes: -1},
		"Poller":        {Poller: "kqueue"},
		"poller":        {Poller: "Epoll"},
		"Addr":          {Addr: "127.0.0.1"},
		"port":          {Addr: "127.0.0.1:99999"},
		"service":       {Addr: "127.0.0.1:no-such-service"},
		"host":          {Addr: "256.0.0.1:0"},
		"not ours":      {Addr: "192.0.2.1:0"},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Log = noLog
			if cfg.Addr == "" {
				cfg.Addr = "127.0.0.1:0"
			}
			s := loop.New(greeter(way{}), cfg)
			err := s.Listen(t.Context())
			if err == nil {
				t.Fatal("got no error")
			}
			if field, _, _ := strings.Cut(name, ","); field[0] < 'a' && field != "Addr" {
				assert.Contains(t, strings.ToLower(err.Error()), strings.ToLower(field))
			}
			assert.Equal(t, s.Addr(), nil, "address")
			_, err = s.Shutdown(t.Context())
			assert.NoError(t, err)
			assert.NoError(t, s.Serve(), "Serve behind Shutdown")
		})
	}
}

// Clients over the limit wait in the queue and are served when there is place.
func TestLimitsConns(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		for _, most := range []int{1, 3} {
			s := w.limited(t, greeter(w), tako.Limits{Conns: most, ConnsPerAddr: tako.NoLimit})
			const clients = 40
			var wg sync.WaitGroup
			over := make(chan int64, clients)
			for range clients {
				wg.Go(func() {
					c := reach(t, s)
					c.send(asking("/"))
					if _, body, err := c.respond("GET"); err != nil || body != "hello" {
						t.Errorf("got %q, %v", body, err)
					}
					pass(t, 2*time.Millisecond)
					over <- s.Stats().Conns
					_ = c.Close()
				})
			}
			wg.Wait()
			close(over)
			for n := range over {
				if n > int64(most) {
					t.Errorf("%d connections at once, want at most %d", n, most)
				}
			}
			assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
			assert.Equal(t, s.Stats().Accepted, int64(clients), "accepted")
		}
	})
}

// Clients that give up while they wait for a place do no harm.
func TestLimitsConnsGivenUp(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, greeter(w), tako.Limits{Conns: 2, ConnsPerAddr: tako.NoLimit})
		var holders []*caller
		for range 2 {
			c := reach(t, s)
			c.send(asking("/"))
			c.answer(200)
			holders = append(holders, c)
		}
		for i := range 20 {
			c := reach(t, s)
			c.send(asking("/"))
			if i%2 == 0 {
				_ = c.Conn.(*net.TCPConn).SetLinger(0)
			}
			if i%3 > 0 {
				_ = c.Close()
			}
		}
		pass(t, soon/2)
		assert.Equal(t, s.Stats().Conns, int64(2), "connections")
		for _, c := range holders {
			_ = c.Close()
		}
		for range 5 {
			c := reach(t, s)
			c.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
			// Those that waited still have their places; they come free one by one
			// as this test closes nothing: the header timeout is far away.
			if i := s.Stats().Conns; i > 2 {
				t.Fatalf("%d connections", i)
			}
			_ = c.Close()
		}
	})
}

// An address that has all it may have gets no more, until it closes one.
func TestLimitsConnsPerAddr(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, greeter(w), tako.Limits{ConnsPerAddr: 2})
		open := func() *caller {
			c := reach(t, s)
			c.send(asking("/"))
			assert.Equal(t, c.answer(200), "hello")
			return c
		}
		a, b := open(), open()
		for i := range 5 {
			assert.Equal(t, reach(t, s).rest(), "", "third connection")
			assert.Eventually(t, enough, "it is counted", func() bool { return s.Stats().RefusedConns == int64(i+1) })
		}
		other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
		conn, err := other.Dial("tcp", s.Addr().String())
		assert.NoError(t, err)
		defer conn.Close()
		_, _ = io.WriteString(conn, asking("/"))
		got := make([]byte, 12)
		_, err = io.ReadFull(conn, got)
		assert.NoError(t, err)
		assert.Equal(t, string(got), "HTTP/1.1 200", "another address")
		_ = a.Close()
		assert.Eventually(t, enough, "a place is free", func() bool {
			a = reach(t, s)
			_, _ = io.WriteString(a, asking("/"))
			_, _, err := a.respond("GET")
			return err == nil
		})
		_, _ = a.Close(), b.Close()
		stats := s.Stats()
		assert.Equal(t, stats.Accepted-stats.RefusedConns, int64(4), "connections that were served")
	})
}

// What is received of further requests while one is served is bounded.
func TestLimitsPipelineBytes(t *testing.T) {
	t.Parallel()
	inWays(t, offloadedWays, func(t *testing.T, w way) {
		release := make(chan struct{})
		app := tako.New()
		app.Get("/wait", func(c *tako.Context) error { <-release; return c.Text(200, "waited") }, w.opts...)
		app.Get("/{n}", func(c *tako.Context) error { return c.Text(200, c.Param("n")) }, w.opts...)
		s := w.serve(t, app, loop.Config{PipelineBytes: 4 << 10})
		c := reach(t, s)
		c.send(asking("/wait"))
		var all strings.Builder
		const many = 4000
		pad := " HTTP/1.1\r\nX-Pad: " + strings.Repeat("x", 4000) + "\r\n"
		for i := range many {
			all.WriteString(strings.Replace(asking("/"+strconv.Itoa(i)), " HTTP/1.1\r\n", pad, 1))
		}
		text := all.String()
		sent := 0
		for sent < len(text) {
			assert.NoError(t, c.SetWriteDeadline(time.Now().Add(soon)))
			n, err := io.WriteString(c, text[sent:min(len(text), sent+16<<10)])
			sent += n
			if err != nil {
				break
			}
		}
		if sent == len(text) {
			t.Skip("the kernel took all") // nothing can be said
		}
		close(release)
		go func() {
			_ = c.SetWriteDeadline(time.Now().Add(2 * enough))
			_, _ = io.WriteString(c, text[sent:])
		}()
		assert.Equal(t, c.answer(200), "waited")
		for i := range many {
			if got := c.answer(200); got != strconv.Itoa(i) {
				t.Fatalf("got %s, want %d", got, i)
			}
		}
	})
}

// A thousand pipelined requests are answered in order, whatever they are.
func TestLimitsManyPipelined(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := summing(w)
		app.Get("/{n}", func(c *tako.Context) error { return c.Text(200, c.Param("n")) }, w.opts...)
		s := w.serve(t, app, loop.Config{PipelineBytes: 2000})
		c := reach(t, s)
		const many = 1000
		go func() {
			var b strings.Builder
			for i := range many {
				switch n := strconv.Itoa(i); i % 3 {
				case 0:
					b.WriteString(asking("/" + n))
				case 1:
					b.WriteString(posting("/sum", fmt.Sprintf("Content-Length: %d", len(n)), n))
				default:
					b.WriteString(posting("/sum", "Transfer-Encoding: chunked", chunks(n, 1, "")))
				}
			}
			_, _ = io.WriteString(c, b.String())
		}()
		for i := range many {
			want := strconv.Itoa(i)
			if i%3 > 0 {
				want = sum(want, "")
			}
			if got := c.answer(http.StatusOK); got != want {
				t.Fatalf("%d: got %q", i, got)
			}
		}
	})
}
