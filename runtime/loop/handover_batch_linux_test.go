package loop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/runtime/loop"
)

// inlineRig serves /work and /near on the loop from the first request on, and
// /far on goroutines.
func inlineRig(t *testing.T, cfg loop.Config, more func(r *rig)) *rig {
	t.Helper()
	r := newRig(t)
	r.app.Get("/work", r.work, tako.Inline())
	r.app.Get("/near", r.work, tako.Inline())
	r.app.Get("/far", r.work, tako.Blocking())
	r.app.Post("/body", func(c *tako.Context) error {
		r.count(c.Query("n"))
		r.block(c.Query("how"))
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.Text(200, c.Query("n")+string(body))
	}, tako.Inline())
	if more != nil {
		more(r)
	}
	return r.start(cfg, r.app)
}

// batch is pipelined requests from to to, of which those in how block.
func batch(from, to int, paths string, how map[int]string) (requests string, bodies []string) {
	all := strings.Fields(paths)
	for n := from; n <= to; n++ {
		path := fmt.Sprintf("%s?n=%d&how=%s", all[n%len(all)], n, escaped(how[n]))
		if how[n] != "" {
			path = "/work" + path[strings.IndexByte(path, '?'):]
		}
		requests += get(path)
		bodies = append(bodies, fmt.Sprint(n))
	}
	return requests, bodies
}

// A loop is lost in the middle of a batch: the responses come all, and in order,
// wherever the others of the batch run, and however many of them block.
func TestHandoverPipelined(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, paths := range []string{"/near", "/near /far", "/far /near /near", "/far"} {
			for _, at := range [][]int{{0}, {7}, {19}, {0, 1}, {3, 12}} {
				t.Run(fmt.Sprint(paths, at), func(t *testing.T) {
					r := inlineRig(t, loop.Config{Poller: poller}, nil)
					how := map[int]string{}
					for i, n := range at {
						how[n] = waysToBlock[(i+n)%2*2]
					}
					c := r.dial()
					r.hold()
					requests, bodies := batch(0, 19, paths, how)
					more, moreBodies := batch(20, 39, paths, nil)
					c.send(requests)
					r.blocked(1, 1)
					c.send(more[:len(more)/2])
					r.neighbours(2, 10, "/near")
					c.send(more[len(more)/2:])
					r.neighbours(1, 10, "/near")
					r.release()
					c.expect(bodies...)
					c.expect(moreBodies...)
					r.once()
				})
			}
		}
	})
}

// endings are requests that end their connection, or need more than others.
var endings = []struct {
	name, request string
	check         func(c *rigConn)
}{
	{"connection close", get("/work?n=1&how=channel", "Connection: close\r\n"), func(c *rigConn) {
		c.expect("1")
		c.ended()
	}},
	{"connection close with more behind", get("/work?n=1&how=channel", "Connection: close\r\n") + get("/near?n=2"), func(c *rigConn) {
		c.expect("1")
		c.ended()
	}},
	{"http/1.0", "GET /work?n=1&how=channel HTTP/1.0\r\n\r\n", func(c *rigConn) {
		c.expect("1")
		c.ended()
	}},
	{"http/1.0 kept alive", "GET /work?n=1&how=channel HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", func(c *rigConn) {
		c.expect("1")
		c.send(get("/near?n=2"))
		c.expect("2")
	}},
	{"a body", "POST /body?n=1&how=channel HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/near?n=2"), func(c *rigConn) {
		c.expect("1hello", "2")
	}},
	{"chunks", "POST /body?n=1&how=channel HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" + get("/near?n=2"), func(c *rigConn) {
		c.expect("1hello", "2")
	}},
	{"then a body in parts", get("/work?n=1&how=channel") + "POST /body?n=2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel", func(c *rigConn) {
		c.expect("1")
		c.send("lo" + get("/near?n=3"))
		c.expect("2hello", "3")
	}},
	{"then chunks in parts", get("/work?n=1&how=channel") + "POST /body?n=2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nl", func(c *rigConn) {
		c.expect("1")
		c.send("lo\r\n0\r\n\r\n" + get("/near?n=3"))
		c.expect("2hello", "3")
	}},
	{"then half a head", get("/work?n=1&how=channel") + "GET /near?n=2 HTTP/1.1\r\nHo", func(c *rigConn) {
		c.expect("1")
		c.send("st: a\r\n\r\n")
		c.expect("2")
	}},
	{"then nonsense", get("/work?n=1&how=channel") + "NONSENSE\r\n\r\n", func(c *rigConn) {
		c.expect("1")
		c.status(400)
		c.ended()
	}},
	{"panic", get("/near?n=1") + get("/panic?n=2&how=channel") + get("/near?n=3"), func(c *rigConn) {
		c.expect("1")
		c.status(500)
		c.expect("3")
	}},
	{"abort", get("/near?n=1") + get("/abort?n=2&how=channel") + get("/near?n=3"), func(c *rigConn) {
		c.expect("1")
		if resp, err := c.read(); err == nil {
			c.t.Errorf("got %d behind an abort", resp.StatusCode)
		}
	}},
}

// A robbed handler's connection goes on, or ends, as any other.
func TestHandoverEndings(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, e := range endings {
			t.Run(e.name, func(t *testing.T) {
				r := inlineRig(t, loop.Config{Poller: poller}, func(r *rig) {
					r.app.Get("/panic", func(c *tako.Context) error {
						r.block(c.Query("how"))
						panic("as it should")
					}, tako.Inline())
					r.app.Get("/abort", func(c *tako.Context) error {
						r.block(c.Query("how"))
						panic(http.ErrAbortHandler)
					}, tako.Inline())
				})
				c := r.dial()
				r.hold()
				c.send(e.request)
				r.blocked(1, 1)
				r.neighbours(2, 10, "/near")
				r.release()
				e.check(c)
				r.once()
				_ = c.Close()
				assert.Eventually(t, rigPatience, "the connection to end", func() bool { return r.s.Stats().Conns == 0 })
			})
		}
	})
}

// A handler that ends its goroutine takes nothing but its connection with it.
func TestHandoverGoexit(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, mode := range []string{"inline", "robbed", "blocking"} {
			t.Run(mode, func(t *testing.T) {
				option := tako.Inline()
				if mode == "blocking" {
					option = tako.Blocking()
				}
				r := inlineRig(t, loop.Config{Poller: poller}, func(r *rig) {
					r.app.Get("/exit", func(c *tako.Context) error {
						r.block(c.Query("how"))
						runtime.Goexit()
						return nil
					}, option)
				})
				c := r.dial()
				if mode == "robbed" {
					r.hold()
					c.send(get("/exit?how=channel"))
					r.blocked(1, 1)
					r.release()
				} else {
					c.send(get("/exit"))
				}
				r.neighbours(2, 10, "/near")
				if resp, err := c.read(); err == nil {
					t.Errorf("got %d", resp.StatusCode)
				} else if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("got %v, want the end of the connection", err)
				}
				_ = c.Close()
				assert.Eventually(t, rigPatience, "the connection to end", func() bool { return r.s.Stats().Conns == 0 })
			})
		}
	})
}

// A timeout answers while the handler still runs, and the late handler does no harm.
func TestHandoverTimeout(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		var late atomic.Int64
		r := inlineRig(t, loop.Config{Poller: poller}, func(r *rig) {
			slow := func(c *tako.Context) error {
				defer late.Add(1)
				r.block(c.Query("how"))
				if err := c.Text(200, "late"); !errors.Is(err, tako.ErrTimeout) {
					t.Errorf("writing late gave %v, want ErrTimeout", err)
				}
				return nil
			}
			r.app.Get("/option", slow, tako.Inline(), tako.Timeout(30*time.Millisecond))
			r.app.Group("", middleware.Timeout(30*time.Millisecond)).Get("/middleware", slow, tako.Inline())
		})
		r.hold()
		asked := int64(0)
		timesOut := func(path string) {
			c := r.dial()
			c.send(get("/near?n="+fmt.Sprint(path, 1)) + get(path+"?how=channel") + get("/near?n="+fmt.Sprint(path, 2)))
			c.expect(path + "1")
			c.status(503)
			c.expect(path + "2")
			asked++
			assert.Eventually(t, rigPatience, "handlers that still run", func() bool { return r.inside.Load() == asked })
			r.neighbours(2, 10, "/near")
		}
		timesOut("/option")
		timesOut("/middleware")
		unstalled(t, func() bool { // the time may be over before a loop is taken away
			if r.s.Stats().Handovers < 2 {
				timesOut("/option")
			}
			return r.s.Stats().Handovers >= 2
		})
		r.release()
		assert.Eventually(t, rigPatience, "late handlers to end", func() bool { return late.Load() == asked })
	})
}

// The client of a robbed handler goes: the context ends, and nothing leaks.
func TestHandoverClientGone(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, way := range []string{"close", "reset", "half"} {
			t.Run(way, func(t *testing.T) {
				cause := make(chan error, 1)
				r := inlineRig(t, loop.Config{Poller: poller}, func(r *rig) {
					r.app.Get("/wait", func(c *tako.Context) error {
						r.inside.Add(1)
						defer r.inside.Add(-1)
						<-c.Context().Done()
						cause <- context.Cause(c.Context())
						return c.Text(200, strings.Repeat("x", 40<<10))
					}, tako.Inline())
				})
				c := r.dial()
				c.send(get("/wait"))
				r.blocked(1, 1)
				switch way {
				case "close":
					_ = c.Close()
				case "reset":
					sendReset(c)
				case "half":
					sendEnd(c)
				}
				select {
				case err := <-cause:
					assert.ErrorIs(t, err, tako.ErrClientGone)
				case <-time.After(rigPatience):
					t.Fatal("the context has not ended")
				}
				if way == "half" {
					c.expect(strings.Repeat("x", 40<<10))
					c.ended()
				}
				assert.Eventually(t, rigPatience, "the connection to end", func() bool { return r.s.Stats().Conns == 0 })
				r.neighbours(1, 10, "/near")
			})
		}
	})
}

// A client that has sent all its requests may close its side: they are answered.
func TestHandoverHalfClosed(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, path := range []string{"/near", "/work", "/far"} {
			t.Run(path[1:], func(t *testing.T) {
				r := inlineRig(t, loop.Config{Poller: poller}, nil)
				requests, bodies := batch(1, 6, path, nil)
				c := r.dial()
				if path != "/near" {
					r.hold()
					requests = get(path+"?n=0&how=channel") + requests
					bodies = append([]string{"0"}, bodies...)
				}
				c.send(requests)
				sendEnd(c)
				if path != "/near" {
					assert.Eventually(t, rigPatience, "the handler to block", func() bool { return r.inside.Load() == 1 })
					r.neighbours(2, 20, "/near") // so that the loop sees the end
					r.release()
				}
				c.expect(bodies...)
				c.ended()
				r.once()
			})
		}
	})
}

func sendEnd(c *rigConn) {
	_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

func sendReset(c *rigConn) {
	_ = c.Conn.(interface{ SetLinger(int) error }).SetLinger(0)
	_ = c.Close()
}

// A handler takes its connection away before and after its loop was.
func TestHandoverHijack(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, how := range []string{"", "channel"} {
			t.Run("blocked on "+how, func(t *testing.T) {
				r := inlineRig(t, loop.Config{Poller: poller}, func(r *rig) {
					r.app.Get("/hijack", func(c *tako.Context) error {
						r.block(c.Query("how"))
						nc, rw, err := c.Hijack()
						if err != nil {
							return err
						}
						defer nc.Close()
						_, _ = io.WriteString(nc, "mine\n")
						line, err := rw.ReadString('\n')
						_, _ = fmt.Fprintf(nc, "%q %v\n", line, err)
						return nil
					}, tako.Inline())
				})
				c := r.dial()
				r.hold()
				c.send(get("/near?n=1"), get("/hijack?how="+how), "behind")
				if how != "" {
					r.blocked(1, 1)
					c.send(" it")
					r.neighbours(2, 10, "/near")
				}
				r.release()
				c.expect("1")
				_ = c.SetReadDeadline(time.Now().Add(rigPatience))
				line, err := c.br.ReadString('\n')
				assert.NoError(t, err)
				assert.Equal(t, line, "mine\n")
				c.send(" and more\n")
				line, _ = c.br.ReadString('\n')
				want := "\"behind it and more\\n\" <nil>\n"
				if how == "" {
					want = "\"behind and more\\n\" <nil>\n"
				}
				assert.Equal(t, line, want)
				c.ended()
			})
		}
	})
}
