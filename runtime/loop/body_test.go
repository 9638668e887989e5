package loop_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// pattern is text in which no two places look the same.
func pattern(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		b.WriteString(strconv.Itoa(i) + ";")
	}
	return b.String()[:n]
}

// summing answers a POST with length and hash of the body and with the trailers.
func summing(w way) *tako.Router {
	app := greeter(w)
	app.Post("/sum", func(c *tako.Context) error {
		if err := c.LimitBody(tako.NoLimit); err != nil {
			return err
		}
		h := sha256.New()
		n, err := io.Copy(h, c.Body())
		if err != nil {
			return err
		}
		trailers := ""
		for name, value := range c.RequestTrailers() {
			trailers += name + "=" + value + ";"
		}
		return c.Text(http.StatusOK, fmt.Sprintf("%d %x %s", n, h.Sum(nil), trailers))
	}, w.opts...)
	return app
}

func sum(text, trailers string) string {
	return fmt.Sprintf("%d %x %s", len(text), sha256.Sum256([]byte(text)), trailers)
}

// Bodies arrive whole however they are framed and cut, and the connection goes on.
func TestBodyArrives(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, summing(w), tako.Limits{})
		c := reach(t, s)
		for _, size := range []int{0, 1, 5, 1000, 4095, 4096, 4097, 65000, 65536, 65537, 200_000, 3 << 20} {
			text := pattern(size)
			length := "Content-Length: " + strconv.Itoa(size)
			const chunked = "Transfer-Encoding: chunked"
			for _, chunk := range []int{1, 7, 4096, 65536, 1 << 20} {
				if size/chunk > 70_000 {
					continue
				}
				c.send(posting("/sum", chunked, chunks(text, chunk, "X-One: 1\r\nx-two: 2\r\n")))
				assert.Equal(t, c.answer(200), sum(text, "X-One=1;X-Two=2;"), size, " in chunks of ", chunk)
			}
			c.send(posting("/sum", length, text))
			assert.Equal(t, c.answer(200), sum(text, ""), size)
			c.send(posting("/sum", length, ""))
			pass(t, 2*time.Millisecond)
			c.send(text)
			assert.Equal(t, c.answer(200), sum(text, ""), size, " behind the head")
			c.send(posting("/sum", chunked, "") + "\r"[:0])
			pass(t, 2*time.Millisecond)
			c.send(chunks(text, 10_000, ""))
			assert.Equal(t, c.answer(200), sum(text, ""), size, " in chunks behind the head")
		}
		c.trickle(posting("/sum", "Content-Length: 20", pattern(20)))
		assert.Equal(t, c.answer(200), sum(pattern(20), ""))
		c.trickle(posting("/sum", "Transfer-Encoding: chunked", chunks(pattern(20), 3, "A: b\r\n")) + asking("/"))
		assert.Equal(t, c.answer(200), sum(pattern(20), "A=b;"))
		assert.Equal(t, c.answer(200), "hello")
	})
}

// A whole batch of requests with bodies, cut everywhere.
func TestBodySplitAnywhere(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		s := w.limited(t, summing(w), tako.Limits{})
		batch := posting("/sum", "Content-Length: 3", "abc") + asking("/") +
			posting("/sum", "Transfer-Encoding: chunked", chunks("hello world", 4, "T: u\r\n")) + asking("/")
		c := reach(t, s)
		for at := 1; at < len(batch); at++ {
			c.send(batch[:at])
			pass(t, time.Millisecond)
			c.send(batch[at:])
			assert.Equal(t, c.answer(200), sum("abc", ""), at)
			assert.Equal(t, c.answer(200), "hello", at)
			assert.Equal(t, c.answer(200), sum("hello world", "T=u;"), at)
			assert.Equal(t, c.answer(200), "hello", at)
			if t.Failed() {
				return
			}
		}
	})
}

// A connection that has streamed once goes back to its loop when it is idle.
func TestBodyBackOnLoop(t *testing.T) {
	t.Parallel()
	inWays(t, inlineWays, func(t *testing.T, w way) {
		s := w.limited(t, summing(w), tako.Limits{})
		c := reach(t, s)
		asked := int64(0)
		counted := func(n int64) loop.Stats { // they are behind their responses
			asked += n
			assert.Eventually(t, enough, "all requests are counted", func() bool { return s.Stats().Requests == asked })
			return s.Stats()
		}
		for range 2 {
			unstalled(t, func() bool { // the body may come with the head after all
				before := s.Stats().Streamed
				c.send(posting("/sum", "Content-Length: 3", ""))
				pass(t, 10*time.Millisecond)
				c.send("abc")
				assert.Equal(t, c.answer(200), sum("abc", ""))
				return counted(1).Streamed > before
			})
			streamed := s.Stats().Streamed
			c.send(asking("/"))
			assert.Equal(t, c.answer(200), "hello")
			assert.Equal(t, counted(1).Streamed, streamed+1, "the next one is served there too")
			unstalled(t, func() bool { // it may take longer to go back
				before := s.Stats().Inline
				c.silent(1300 * time.Millisecond)
				c.send(asking("/") + asking("/"))
				c.answer(200)
				c.answer(200)
				return counted(2).Inline == before+2
			})
			assert.Equal(t, s.Stats().Conns, int64(1))
		}
		assert.Equal(t, s.Stats().Accepted, int64(1))
	})
}

// A request that comes while the connection goes back is not lost.
func TestBodyWhileGoingBack(t *testing.T) {
	t.Parallel()
	inWays(t, inlineWays, func(t *testing.T, w way) {
		s := w.limited(t, summing(w), tako.Limits{})
		done := make(chan struct{})
		const many = 60
		for i := range many {
			c := reach(t, s)
			go func() {
				defer func() { done <- struct{}{} }()
				for range 2 {
					c.send(posting("/sum", "Content-Length: 3", ""))
					pass(t, 5*time.Millisecond)
					c.send("abc")
					if _, body, err := c.respond("POST"); err != nil || body != sum("abc", "") {
						t.Errorf("got %q, %v", body, err)
						return
					}
					pass(t, 985*time.Millisecond+time.Duration(i)*500*time.Microsecond)
					c.send(asking("/"))
					if _, body, err := c.respond("GET"); err != nil || body != "hello" {
						t.Errorf("got %q, %v", body, err)
						return
					}
				}
			}()
		}
		for range many {
			await(t, "all clients end", done)
		}
	})
}

// A handler that does not read holds its client up; nothing piles up.
func TestBodyBackPressure(t *testing.T) {
	t.Parallel()
	inWays(t, someWays, func(t *testing.T, w way) {
		app := tako.New()
		release := make(chan struct{})
		app.Post("/", func(c *tako.Context) error {
			if err := c.LimitBody(tako.NoLimit); err != nil {
				return err
			}
			if _, err := io.ReadFull(c.Body(), make([]byte, 10)); err != nil {
				return err
			}
			<-release
			n, err := io.Copy(io.Discard, c.Body())
			if err != nil {
				return err
			}
			return c.Text(200, strconv.FormatInt(n, 10))
		}, w.opts...)
		c := reach(t, w.limited(t, app, tako.Limits{}))
		const size = 64 << 20
		c.send(posting("/", fmt.Sprintf("Content-Length: %d", size), ""))
		sent := 0
		block := make([]byte, 64<<10)
		for sent < size {
			assert.NoError(t, c.SetWriteDeadline(time.Now().Add(soon)))
			n, err := c.Write(block[:min(len(block), size-sent)])
			sent += n
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			assert.NoError(t, err)
		}
		if sent > 24<<20 { // what the kernel has room for
			t.Errorf("%d bytes were taken while nobody read", sent)
		}
		close(release)
		for sent < size {
			assert.NoError(t, c.SetWriteDeadline(time.Now().Add(enough)))
			n, err := c.Write(block[:min(len(block), size-sent)])
			sent += n
			assert.NoError(t, err)
		}
		assert.Equal(t, c.answer(200), strconv.Itoa(size-10))
	})
}

// smuggled is a request that must never be served: it is part of bodies.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"

// Whatever a handler leaves of a body is never taken for a request.
func TestBodyLeftUnread(t *testing.T) {
	t.Parallel()
	sizes := []int{1, 43, 100, 4000, 4096, 20_000, 65_000, 65_536, 65_537, 70_000, 131_072, 200_000, 1_500_000}
	inWays(t, everyWay, func(t *testing.T, w way) {
		var hits atomic.Int32
		app := tako.New()
		app.Get("/smuggled", func(c *tako.Context) error { hits.Add(1); return c.Text(200, "smuggled") }, w.opts...)
		app.Get("/next", func(c *tako.Context) error { return c.Text(200, "next") }, w.opts...)
		app.Post("/", func(c *tako.Context) error {
			n, _ := strconv.Atoi(c.Query("read"))
			if n > 0 {
				if err := c.LimitBody(tako.NoLimit); err != nil {
					return err
				}
				if _, err := io.ReadFull(c.Body(), make([]byte, n)); err != nil {
					return err
				}
			}
			return c.Text(200, "done")
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		for _, size := range sizes {
			text := strings.Repeat(smuggled, size/len(smuggled)+1)[:size]
			for _, read := range []int{0, 1, size / 2, size - 1, size} {
				for _, framing := range []string{"Content-Length: " + strconv.Itoa(size), "Transfer-Encoding: chunked"} {
					body := text
					if framing[0] == 'T' {
						body = chunks(text, len(smuggled), "")
					}
					for _, behind := range []bool{false, true} {
						c := reach(t, s)
						head := posting("/?read="+strconv.Itoa(read), framing, "")
						sent := make(chan struct{})
						go func() { // the server may close before it has all
							defer close(sent)
							_ = c.SetWriteDeadline(time.Now().Add(enough))
							if behind {
								_, _ = io.WriteString(c, head)
								pass(t, time.Millisecond)
								head = ""
							}
							_, _ = io.WriteString(c, head+body+asking("/next"))
						}()
						where := fmt.Sprintf("size %d, read %d, %.8s, behind %v", size, read, framing, behind)
						resp, got, err := c.respond("POST")
						if err != nil {
							t.Errorf("%s: got %v, want a response", where, err)
							_ = c.Close()
							continue
						}
						assert.Equal(t, got, "done", where)
						_, got, err = c.respond("GET")
						switch {
						case err == nil:
							assert.Equal(t, got, "next", where)
						case size <= 20_000 && !resp.Close:
							t.Errorf("%s: got %v, want the next request served", where, err)
						}
						_ = c.Close()
						<-sent
					}
				}
			}
		}
		assert.Equal(t, hits.Load(), int32(0), "requests made of bodies")
		assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
	})
}

// An answer that does not wait for the body leaves a client that never sends it no
// connection to hold.
func TestBodyNeverSent(t *testing.T) {
	t.Parallel()
	const host, length, chunked = "Host: a.example\r\n", "Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"
	type test struct {
		name, head string
		status     int
	}
	tests := []test{
		{"target", `POST /a\b HTTP/1.1` + "\r\n" + host + length, http.StatusBadRequest},
		{"target, chunked", `POST /a\b HTTP/1.1` + "\r\n" + host + chunked, http.StatusBadRequest},
		{"host", "POST / HTTP/1.1\r\nHost: a:b:c\r\n" + length, http.StatusBadRequest},
		{"long target", "POST /0123456789abcdefghij HTTP/1.1\r\n" + host + length, http.StatusRequestURITooLong},
		{"fields", "POST / HTTP/1.1\r\n" + host + length + strings.Repeat("A: b\r\n", 6), http.StatusRequestHeaderFieldsTooLarge},
		{"expectation", "POST / HTTP/1.1\r\n" + host + length + "Expect: more\r\n", http.StatusExpectationFailed},
		{"handler", "POST / HTTP/1.1\r\n" + host + length, http.StatusOK},
		{"handler, chunked", "POST / HTTP/1.1\r\n" + host + chunked, http.StatusOK},
		{"handler, not found", "POST /no HTTP/1.1\r\n" + host + length, http.StatusNotFound},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := greeter(w)
		app.Post("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "unread") }, w.opts...)
		s := w.limited(t, app, tako.Limits{TargetBytes: 20, HeaderFields: 5})
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			c := reach(t, s)
			c.send(tt.head + "\r\n")
			assert.Contains(t, c.rest(), fmt.Sprintf("HTTP/1.1 %d ", tt.status))
		})
		assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
	})
}

// A 100 response is sent when the handler first reads, and only then.
func TestBodyExpect(t *testing.T) {
	t.Parallel()
	const interim = "HTTP/1.1 100 Continue\r\n\r\n"
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := summing(w)
		wait := make(chan struct{})
		app.Post("/later", func(c *tako.Context) error {
			<-wait
			_, err := io.Copy(io.Discard, c.Body())
			if err != nil {
				return err
			}
			return c.Text(200, "read")
		}, w.opts...)
		app.Post("/unread", func(c *tako.Context) error { return c.Text(200, "unread") }, w.opts...)
		app.Post("/small", func(c *tako.Context) error {
			_, err := c.ReadBody()
			return err
		}, w.with(tako.BodyLimit(10))...)
		app.Post("/head-first", func(c *tako.Context) error {
			if err := c.EnableFullDuplex(); err != nil {
				return err
			}
			if err := c.Flush(); err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, c.Body())
			if err != nil {
				return err
			}
			_, err = c.WriteString(strconv.FormatInt(n, 10))
			return err
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		expecting := func(path, framing string) string { return posting(path, framing+"\r\nExpect: 100-continue", "") }
		t.Run("reads", func(t *testing.T) {
			c := reach(t, s)
			for range 3 {
				for _, framing := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
					c.send(expecting("/sum", framing))
					c.takes(interim)
					if framing[0] == 'T' {
						c.send(chunks("hello", 2, "T: u\r\n"))
						assert.Equal(t, c.answer(200), sum("hello", "T=u;"))
					} else {
						c.send("hello")
						assert.Equal(t, c.answer(200), sum("hello", ""))
					}
				}
			}
			c.send(asking("/"))
			assert.Equal(t, c.answer(200), "hello")
		})
		t.Run("not before the read", func(t *testing.T) {
			c := reach(t, s)
			c.send(expecting("/later", "Content-Length: 5"))
			c.silent(soon / 2)
			close(wait)
			c.takes(interim)
			c.send("hello")
			assert.Equal(t, c.answer(200), "read")
		})
		t.Run("body does not wait", func(t *testing.T) {
			c := reach(t, s)
			c.send(expecting("/sum", "Content-Length: 5") + "hello" + asking("/"))
			assert.Equal(t, c.answer(200), sum("hello", ""))
			assert.Equal(t, c.answer(200), "hello")
		})
		t.Run("empty body", func(t *testing.T) {
			c := reach(t, s)
			c.send(expecting("/sum", "Content-Length: 0") + asking("/"))
			assert.Equal(t, c.answer(200), sum("", ""))
			assert.Equal(t, c.answer(200), "hello")
		})
		t.Run("refused", func(t *testing.T) {
			for path, status := range map[string]int{"/small": 413, "/unread": 200, "/no": 404} {
				c := reach(t, s)
				c.send(expecting(path, fmt.Sprintf("Content-Length: %d", len(smuggled))))
				resp, _, err := c.respond("POST")
				assert.NoError(t, err, path)
				assert.Equal(t, resp.StatusCode, status, path)
				assert.Equal(t, resp.Close, true, path, " says close")
				_, _ = io.WriteString(c, smuggled) // a client that sends it all the same
				assert.Equal(t, c.rest(), "", path)
			}
		})
		t.Run("HTTP/1.0", func(t *testing.T) {
			c := reach(t, s)
			c.send("POST /sum HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
			c.silent(soon / 3)
			c.send("hello")
			assert.Equal(t, c.answer(200), sum("hello", ""))
		})
		t.Run("head first", func(t *testing.T) {
			c := reach(t, s)
			c.send(expecting("/head-first", "Content-Length: 5"))
			assert.NoError(t, c.SetReadDeadline(time.Now().Add(enough)))
			line, err := c.in.ReadString('\n')
			assert.NoError(t, err)
			assert.Equal(t, line, "HTTP/1.1 200 OK\r\n")
			c.send("hello")
			assert.Contains(t, c.rest(), "\r\n5\r\n")
		})
	})
}

// Deadlines that a handler sets itself hold precisely, however near or far.
func TestBodyReadDeadline(t *testing.T) {
	t.Parallel()
	const near, far = 50 * time.Millisecond, 2500 * time.Millisecond
	type test struct {
		name        string
		ahead       []time.Duration // 0 takes the deadline back
		least, most time.Duration   // least 0: never
	}
	tests := []test{
		{"near", []time.Duration{near}, near, far - near},
		{"far", []time.Duration{far}, far, enough / 2},
		{"nearer", []time.Duration{far, near}, near, far - near},
		{"farther", []time.Duration{near, far}, far, enough / 2},
		{"passed", []time.Duration{-near}, time.Nanosecond, far - near},
		{"near taken back", []time.Duration{near, 0}, 0, 500 * time.Millisecond},
		{"far taken back", []time.Duration{far, 0}, 0, far + time.Second},
		{"past taken back", []time.Duration{-near, 0}, 0, 500 * time.Millisecond},
	}
	inWays(t, someWays, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			app := tako.New()
			type end struct {
				took time.Duration
				err  error
			}
			ended := make(chan end, 1)
			app.Post("/", func(c *tako.Context) error {
				for _, d := range tt.ahead {
					at := time.Now().Add(d)
					if d == 0 {
						at = time.Time{}
					}
					if err := c.SetReadDeadline(at); err != nil {
						return err
					}
				}
				began := time.Now()
				_, err := io.Copy(io.Discard, c.Body())
				ended <- end{time.Since(began), err}
				return c.Text(http.StatusOK, "done")
			}, w.opts...)
			c := reach(t, w.limited(t, app, tako.Limits{}))
			c.send(posting("/", "Content-Length: 5", "he"))
			if tt.least == 0 {
				c.silent(tt.most)
				c.send("llo")
				assert.Equal(t, c.answer(http.StatusOK), "done")
				assert.NoError(t, await(t, "the handler", ended).err)
				return
			}
			got := await(t, "the handler", ended)
			assert.ErrorIs(t, got.err, os.ErrDeadlineExceeded)
			if got.took < tt.least-20*time.Millisecond || got.took > tt.most {
				t.Errorf("ended after %v, want from %v to %v", got.took, tt.least, tt.most)
			}
			c.answer(http.StatusOK)
			c.rest()
		})
	})
}

// A body that comes too slowly ends with 408 and the connection.
func TestBodyTooSlow(t *testing.T) {
	t.Parallel()
	const length, chunked = "Content-Length: 100000", "Transfer-Encoding: chunked"
	type test struct {
		name        string
		framing     string
		limits      tako.Limits
		dribbles    bool
		least, most time.Duration
	}
	tests := []test{
		{"timeout, silent", length, tako.Limits{BodyTimeout: soon}, false, soon, 4 * time.Second},
		{"timeout, dribbling", length, tako.Limits{BodyTimeout: 2 * soon}, true, 2 * soon, 4 * time.Second},
		{"rate, silent", length, tako.Limits{MinBodyRate: 1 << 20}, false, 4 * time.Second, enough},
		{"rate, dribbling", length, tako.Limits{MinBodyRate: 1 << 20}, true, 4 * time.Second, enough},
		{"neither", length, tako.Limits{MinBodyRate: tako.NoLimit, BodyTimeout: tako.NoLimit}, true, 0, 6 * time.Second},
	}
	for _, tt := range tests {
		tt.name, tt.framing = tt.name+", chunked", chunked
		tests = append(tests, tt)
	}
	inWays(t, someWays, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			s := w.limited(t, summing(w), tt.limits)
			c := reach(t, s)
			began := time.Now()
			c.send(posting("/sum", tt.framing, ""))
			stop := make(chan struct{})
			if tt.dribbles {
				go func() {
					tick := time.NewTicker(50 * time.Millisecond)
					defer tick.Stop()
					for {
						select {
						case <-tick.C:
						case <-stop:
							return
						}
						if _, err := io.WriteString(c, map[bool]string{true: "1\r\nx\r\n", false: "x"}[tt.framing == chunked]); err != nil {
							return
						}
					}
				}()
			}
			defer close(stop)
			if tt.least == 0 {
				c.silent(tt.most)
				return
			}
			c.answer(http.StatusRequestTimeout)
			if took := time.Since(began); took < tt.least || took > tt.most {
				t.Errorf("answered after %v, want from %v to %v", took, tt.least, tt.most)
			}
			c.rest()
			assert.Eventually(t, enough, "it is counted", func() bool { return s.Stats().TimedOut == 1 })
			assert.Eventually(t, enough, "the connection is gone", func() bool { return s.Stats().Conns == 0 })
		})
	})
}

// With full duplex nobody reads the rest of the body before the head is sent. What
// comes of it late is not the next request.
func TestBodyFullDuplexRest(t *testing.T) {
	t.Parallel()
	length := fmt.Sprintf("Content-Length: %d", len(smuggled))
	const chunked = "Transfer-Encoding: chunked"
	type test struct {
		name           string
		limits         tako.Limits
		framing, begin string
		read           bool
		status         int
		split          bool
	}
	tests := []test{
		{"unread", tako.Limits{}, length, "", false, http.StatusOK, false},
		{"unread, rest", tako.Limits{}, length, smuggled[:1], false, http.StatusOK, false},
		{"unread chunked", tako.Limits{}, chunked, "", false, http.StatusOK, false},
		{"body timeout", tako.Limits{BodyTimeout: soon}, length, "", true, http.StatusRequestTimeout, false},
		{"malformed", tako.Limits{}, chunked, "zz\r\n", true, http.StatusBadRequest, false},
		{"malformed, more", tako.Limits{}, chunked, "zz\r\n" + smuggled, true, http.StatusBadRequest, false},
		{"unread malformed", tako.Limits{}, chunked, "zz\r\n", false, 0, false},
		{"unread malformed, more", tako.Limits{}, chunked, "zz\r\n" + smuggled, false, 0, false},
	}
	for _, tt := range tests {
		tt.name, tt.split = tt.name+", split", true
		tests = append(tests, tt)
	}
	inWays(t, someWays, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			app := tako.New()
			var hits atomic.Int32
			app.Get("/smuggled", func(c *tako.Context) error { hits.Add(1); return c.Text(200, "smuggled") }, w.opts...)
			app.Post("/", func(c *tako.Context) error {
				if err := c.EnableFullDuplex(); err != nil {
					return err
				}
				if tt.read {
					if _, err := io.Copy(io.Discard, c.Body()); err != nil {
						return err
					}
				}
				return c.Text(http.StatusOK, "done")
			}, w.opts...)
			c := reach(t, w.limited(t, app, tt.limits))
			c.send(posting("/", tt.framing, ""))
			if tt.split {
				pass(t, 20*time.Millisecond)
			}
			_, _ = io.WriteString(c, tt.begin)
			resp, _, err := c.respond("POST")
			assert.NoError(t, err)
			if tt.status > 0 {
				assert.Equal(t, resp.StatusCode, tt.status)
			}
			assert.Equal(t, c.rest(), "")
			assert.Equal(t, hits.Load(), int32(0), "requests made of the body")
		})
	})
}
