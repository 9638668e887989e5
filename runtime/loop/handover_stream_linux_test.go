package loop_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// letters is a text whose every piece tells where it belongs.
func letters(n int) []byte {
	b := make([]byte, 0, n+16)
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "%07d\n", i)
	}
	return b[:n]
}

// same demands equal contents without printing all of them.
func same(t *testing.T, got string, want []byte) {
	t.Helper()
	if got == string(want) {
		return
	}
	at := 0
	for at < len(got) && at < len(want) && got[at] == want[at] {
		at++
	}
	t.Errorf("got %d bytes, want %d; they differ from %d on", len(got), len(want), at)
}

// large is more than the kernel takes for a client that does not read.
const large = 8 << 20

var largeText = sync.OnceValue(func() []byte { return letters(large) })

// largeRoutes write what has to wait for the client, from the loop.
func largeRoutes(file string) func(r *rig) {
	return func(r *rig) {
		r.app.Get("/large", func(c *tako.Context) error { return c.Bytes(200, "text/plain", largeText()) }, tako.Inline())
		r.app.Get("/pieces", func(c *tako.Context) error {
			for rest := largeText(); len(rest) > 0; {
				n := min(len(rest), 3000)
				if _, err := c.Write(rest[:n]); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return nil
		}, tako.Inline())
		r.app.Get("/flushed", func(c *tako.Context) error {
			for rest := largeText(); len(rest) > 0; {
				n := min(len(rest), 30000)
				if _, err := c.Write(rest[:n]); err != nil {
					return err
				}
				if err := c.Flush(); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return nil
		}, tako.Inline())
		r.app.Get("/buffers", func(c *tako.Context) error {
			b := largeText()
			_, err := c.WriteBuffers(net.Buffers{b[:10], b[10:300000], b[300000:300001], b[300001:]})
			return err
		}, tako.Inline())
		r.app.Get("/file", func(c *tako.Context) error { return c.File(file) }, tako.Inline())
	}
}

// What a slow client does not take at once makes the handler give the loop up. It
// comes whole and in its place among pipelined others.
func TestHandoverLarge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file.txt")
	assert.NoError(t, os.WriteFile(file, largeText(), 0o600))
	overPollers(t, func(t *testing.T, poller string) {
		for _, path := range []string{"/large", "/pieces", "/flushed", "/buffers", "/file"} {
			t.Run(path[1:], func(t *testing.T) {
				r := inlineRig(t, loop.Config{Poller: poller}, largeRoutes(file))
				c := r.dial()
				c.send(get("/near?n=1") + get(path) + get("/far?n=2") + get(path) + get("/near?n=3"))
				assert.Eventually(t, rigPatience, "a hand-over", func() bool { return r.s.Stats().Handovers >= 1 })
				r.neighbours(2, 20, "/near")
				c.expect("1")
				same(t, c.status(200).body, largeText())
				c.expect("2")
				same(t, c.status(200).body, largeText())
				c.expect("3")
				r.once()
			})
		}
	})
}

// A stream that is flushed piece by piece arrives so, while others are served.
func TestHandoverFlush(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		step := make(chan struct{})
		r := inlineRig(t, loop.Config{Poller: poller}, func(r *rig) {
			r.app.Get("/ticks", func(c *tako.Context) error {
				for i := range 5 {
					_, _ = fmt.Fprintf(c, "tick %d\n", i)
					if err := c.Flush(); err != nil {
						return err
					}
					<-step
				}
				return nil
			}, tako.Inline())
		})
		c := r.dial()
		c.send(get("/ticks") + get("/near?n=behind"))
		var all strings.Builder
		buf := make([]byte, 4<<10)
		for i := range 5 {
			want := fmt.Sprintf("tick %d\n", i)
			for !strings.Contains(all.String(), want) {
				_ = c.SetReadDeadline(time.Now().Add(rigPatience))
				n, err := c.Conn.Read(buf)
				assert.NoError(t, err, "waiting for ", want)
				all.Write(buf[:n])
			}
			r.neighbours(1, 5, "/near")
			step <- struct{}{}
		}
		for !strings.HasSuffix(all.String(), "behind") {
			n, err := c.Conn.Read(buf)
			assert.NoError(t, err, "waiting for what is behind")
			all.Write(buf[:n])
		}
		assert.Equal(t, r.route("GET /ticks").Handovers, int64(1), "hand-overs") // others may be taken to block, too
	})
}

// A client that takes nothing for longer than the limit loses its connection, and
// can see that something is missing.
func TestHandoverWriteTimeout(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, request := range []string{
			get("/large"),
			"GET /pieces HTTP/1.0\r\n\r\n",
			"GET /flushed HTTP/1.0\r\n\r\n",
			get("/work?n=1&how=channel") + strings.Repeat(get("/some"), 2000),
			strings.Repeat(get("/some"), 2000),
			strings.Repeat(get("/some"), 2000) + get("/work?n=1&how=channel"),
			get("/far?n=1") + strings.Repeat(get("/some"), 2000),
		} {
			t.Run(fmt.Sprintf("%.20q%d", request, len(request)), func(t *testing.T) {
				r := inlineRig(t, loop.Config{Poller: poller, PipelineBytes: 1 << 20, Limits: tako.Limits{WriteTimeout: 100 * time.Millisecond}}, func(r *rig) {
					largeRoutes("")(r)
					some := letters(12 << 10)
					r.app.Get("/some", func(c *tako.Context) error { return c.Bytes(200, "text/plain", some) }, tako.Inline())
				})
				c := r.dial()
				r.hold()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					c.send(request)
				}()
				if strings.HasPrefix(request, "GET /work") {
					r.blocked(1, 1)
				}
				r.release()
				assert.Eventually(t, rigPatience, "the timeout", func() bool { return r.s.Stats().TimedOut > 0 })
				assert.Eventually(t, rigPatience, "the connection to end", func() bool { return r.s.Stats().Conns == 0 })
				inStep(t, c, request)
				_ = c.Close()
				<-sent
				r.neighbours(1, 5, "/near")
			})
		}
	})
}

// inStep reads responses for as long as they are whole, and demands that the last
// one is visibly cut.
func inStep(t *testing.T, c *rigConn, request string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(rigPatience))
	rest, err := io.ReadAll(c.br)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server keeps the connection open")
	}
	if strings.Contains(request, "HTTP/1.0") {
		if err == nil {
			t.Errorf("the cut response of %d bytes looks complete", len(rest))
		}
		return
	}
	some := letters(12 << 10)
	for len(rest) > 0 {
		head, body, ok := bytes.Cut(rest, []byte("\r\n\r\n"))
		if !ok {
			return
		}
		if !bytes.HasPrefix(head, []byte("HTTP/1.1 200 OK\r\n")) {
			t.Fatalf("out of step: %.100q", head)
		}
		var n int
		for line := range strings.Lines(string(head)) {
			_, _ = fmt.Sscanf(line, "Content-Length: %d", &n)
		}
		if n > len(body) {
			return
		}
		if n == len(some) && !bytes.Equal(body[:n], some) {
			t.Fatal("a response has a hole")
		}
		rest = body[n:]
	}
}

// A thread that ends with its robbed handler takes nothing along that it has asked
// the kernel for: receiving, accepting, and sending to clients that take long.
func TestHandoverThreadEnds(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		some := letters(12 << 10)
		r := inlineRig(t, loop.Config{Poller: poller, PipelineBytes: 1 << 20}, func(r *rig) {
			r.app.Get("/some", func(c *tako.Context) error { return c.Bytes(200, "text/plain", some) }, tako.Inline())
		})
		const slow, each = 4, 600
		var waiting, quiet []*rigConn
		for range slow {
			c := r.dial()
			c.send(strings.Repeat(get("/some"), each))
			waiting = append(waiting, c)
			q := r.dial()
			q.send(get("/near?n=first"))
			q.expect("first")
			quiet = append(quiet, q)
		}
		for i := range 5 {
			r.blockOnce(fmt.Sprint("robbed-", i), waysToBlock[i%3])
		}
		for _, q := range quiet {
			q.send(get("/near?n=second"))
			q.expect("second")
		}
		for _, c := range waiting {
			for range each {
				same(t, c.status(200).body, some)
			}
			c.send(get("/near?n=last"))
			c.expect("last")
		}
	})
}

// What a client that has gone did not take is nobody else's.
func TestDispatchStrangers(t *testing.T) {
	overPollers(t, func(t *testing.T, poller string) {
		for _, path := range []string{"/near", "/far", "/work"} {
			t.Run(path[1:], func(t *testing.T) {
				r := inlineRig(t, loop.Config{Poller: poller}, nil)
				other := r.dial()
				for i := range 300 {
					c := r.dial()
					n := fmt.Sprint("mine", i)
					if i%2 == 0 {
						c.send(get("/near?n=first" + n))
						c.expect("first" + n)
					}
					c.send(get(path + "?n=" + n))
					sendReset(c)
					n = fmt.Sprint("other", i)
					other.send(get("/near?n=" + n))
					other.expect(n)
				}
				r.neighbours(2, 50, "/near")
			})
		}
	})
}
