package loop_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// A handler that timed out still has the body of its request. Its reads say nothing
// of the next one.
func TestStreamLateRead(t *testing.T) {
	t.Parallel()
	type test struct {
		name, framing, body string
		early               bool
	}
	tests := []test{
		{"whole, asked early", "Content-Length: 5", "hello", true},
		{"whole, asked late", "Content-Length: 5", "hello", false},
		{"chunked, asked early", "Transfer-Encoding: chunked", chunks("hello", 2, ""), true},
		{"chunked, asked late", "Transfer-Encoding: chunked", chunks("hello", 2, ""), false},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		sideBySide(t, tests, func(tt test) string { return tt.name }, func(t *testing.T, tt test) {
			for _, split := range []bool{false, true} {
				app := tako.New()
				next, ended := make(chan struct{}), make(chan struct{})
				app.Post("/timeout", func(c *tako.Context) error {
					var body io.Reader
					if tt.early {
						body = c.Body()
					}
					<-next
					if !tt.early {
						body = c.Body()
					}
					again := time.NewTicker(10 * time.Millisecond)
					defer again.Stop()
					for {
						select {
						case <-again.C:
							p := make([]byte, 10)
							n, _ := body.Read(p)
							if strings.Contains(string(p[:n]), "z") {
								t.Errorf("got %q of another request", p[:n])
							}
							if h := c.RequestHeader("X-Other"); h != "" {
								t.Errorf("got header %q of another request", h)
							}
						case <-ended:
							return nil
						}
					}
				}, w.with(tako.Timeout(soon/3))...)
				app.Post("/next", func(c *tako.Context) error {
					close(next)
					defer close(ended)
					_, err := io.Copy(io.Discard, c.Body())
					return err
				}, w.opts...)
				c := reach(t, w.limited(t, app, tako.Limits{BodyTimeout: soon}))
				if split {
					c.send(posting("/timeout", tt.framing, ""))
					pass(t, 10*time.Millisecond)
					c.send(tt.body)
				} else {
					c.send(posting("/timeout", tt.framing, tt.body))
				}
				resp, _, err := c.respond("POST")
				assert.NoError(t, err)
				assert.Equal(t, resp.StatusCode, http.StatusServiceUnavailable)
				if _, err := io.WriteString(c, posting("/next", "X-Other: z\r\nContent-Length: 5", "zz")); err != nil {
					close(next)
					close(ended)
					continue
				}
				_, _, err = c.respond("POST")
				if err != nil { // closed behind the timeout: allowed where the body was not read
					if !split && !resp.Close {
						t.Errorf("got %v, want the next request served", err)
					}
					close(next)
					close(ended)
					continue
				}
				c.rest()
			}
		})
	})
}

// The answer to a timeout does not wait until the handler's read of the body ends,
// and the connection ends soon, whatever else the handler does with the request.
func TestStreamTimeoutBesideRead(t *testing.T) {
	t.Parallel()
	type test struct{ framing, begin, dribble string }
	tests := []test{
		{"Content-Length: 100", "", ""},
		{"Content-Length: 100", "abc", ""},
		{"Content-Length: 100000", "", ""},
		{"Transfer-Encoding: chunked", "", ""},
		{"Content-Length: 100000", "", "x"},
		{"Transfer-Encoding: chunked", "", "1\r\nx\r\n"},
		{"Content-Length: 100000\r\nExpect: 100-continue", "", ""},
	}
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		app.Post("/", func(c *tako.Context) error {
			n, err := io.Copy(io.Discard, c.Body())
			for range 10 { // and again, though it failed
				_, _ = c.Body().Read(make([]byte, 10))
			}
			if err == nil {
				return fmt.Errorf("read %d bytes to the end", n)
			}
			return err
		}, w.with(tako.Timeout(100*time.Millisecond))...)
		s := w.limited(t, app, tako.Limits{BodyTimeout: enough / 2})
		sideBySide(t, tests, func(tt test) string { return tt.framing[:10] + tt.begin + tt.dribble }, func(t *testing.T, tt test) {
			c := reach(t, s)
			began := time.Now()
			c.send(posting("/", tt.framing, tt.begin))
			var wg sync.WaitGroup
			defer wg.Wait()
			stop := make(chan struct{})
			defer close(stop)
			if tt.dribble != "" {
				wg.Go(func() {
					tick := time.NewTicker(time.Millisecond)
					defer tick.Stop()
					for {
						select {
						case <-tick.C:
						case <-stop:
							return
						}
						if _, err := io.WriteString(c, tt.dribble); err != nil {
							return
						}
					}
				})
			}
			assert.NoError(t, c.SetReadDeadline(began.Add(enough)))
			line, err := c.in.ReadString('\n')
			if strings.HasPrefix(line, "HTTP/1.1 100 ") {
				_, _ = c.in.ReadString('\n')
				line, err = c.in.ReadString('\n')
			}
			assert.NoError(t, err)
			assert.Contains(t, line, "503")
			if took := time.Since(began); took > enough/4 {
				t.Errorf("answered after %v, want soon after 100ms", took)
			}
			c.rest()
		})
		assert.Eventually(t, enough, "all connections are gone", func() bool { return s.Stats().Conns == 0 })
	})
}

// A handler that only begins to read when it has timed out does not get a 100
// response, or anything else, into the answer.
func TestStreamTimeoutThenRead(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		app := tako.New()
		app.Post("/", func(c *tako.Context) error {
			<-c.Context().Done()
			for range 100 {
				_, _ = c.Body().Read(make([]byte, 10))
				_ = c.RequestHeader("Host")
				_ = c.ConnInfo()
				_ = c.EarlyHints("</a>; rel=preload")
				_, _ = c.WriteString("late")
				_ = c.SetReadDeadline(time.Now())
			}
			return nil
		}, w.with(tako.Timeout(20*time.Millisecond))...)
		s := w.limited(t, app, tako.Limits{})
		for i := range 30 {
			c := reach(t, s)
			c.send(posting("/", "Content-Length: 100\r\nExpect: 100-continue", ""))
			resp, _, err := c.respond("POST")
			if err == nil && resp.StatusCode == http.StatusContinue { // the read was the first
				resp, _, err = c.respond("POST")
			}
			assert.NoError(t, err, i)
			assert.Equal(t, resp.StatusCode, http.StatusServiceUnavailable, i)
			if got := c.rest(); got != "" {
				t.Errorf("got %q behind the answer", got)
			}
		}
	})
}

// Handlers of net/http that run on when they were given up keep their request.
func TestStreamNetHTTPTimeout(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/http", "/std", "/raw"} {
		t.Run(path[1:], func(t *testing.T) {
			inWays(t, everyWay, func(t *testing.T, w way) { lateNetHTTP(t, w, path) })
		})
	}
}

func lateNetHTTP(t *testing.T, w way, path string) {
	var late atomic.Int32
	handler := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		late.Add(1)
		defer late.Add(-1)
		id := r.URL.Query().Get("id")
		<-r.Context().Done()
		again := time.NewTicker(time.Millisecond)
		defer again.Stop()
		for range 30 {
			<-again.C
			p := make([]byte, 4)
			n, _ := r.Body.Read(p)
			if got := string(p[:n]); strings.Trim(got, id) != "" {
				t.Errorf("got body %q, want that of %s", got, id)
				break
			}
			if got := r.Header.Get("X-Id"); got != id {
				t.Errorf("got header %q, want %q", got, id)
			}
			_, _ = rw.Write([]byte("late"))
		}
	})
	std := func(next http.Handler) http.Handler {
		return http.TimeoutHandler(next, 20*time.Millisecond, "given up")
	}
	app := tako.New()
	app.Post("/http", tako.HTTP(std(handler)), w.opts...)
	app.Post("/std", tako.HTTP(handler), w.with(tako.With(tako.Std(std)))...)
	app.Post("/raw", func(c *tako.Context) error {
		late.Add(1)
		defer late.Add(-1)
		id := c.Query("id")
		<-c.Context().Done()
		for range 30 {
			body, _ := c.ReadBody()
			if got := string(body); strings.Trim(got, id) != "" {
				t.Errorf("got body %q, want that of %s", got, id)
			}
			if got := c.RequestHeader("X-Id"); got != id {
				t.Errorf("got header %q, want %q", got, id)
			}
		}
		return nil
	}, w.with(tako.With(tako.Std(std)))...)
	s := w.limited(t, app, tako.Limits{})
	var clients sync.WaitGroup
	for i := range 6 {
		clients.Go(func() {
			c := reach(t, s)
			for j := range 12 {
				id := string(rune('a' + (i*12+j)%26))
				framing, body := "Content-Length: 40", strings.Repeat(id, 40)
				if j%2 == 1 {
					framing, body = "Transfer-Encoding: chunked", chunks(body, 7, "")
				}
				head := posting(path+"?id="+id, "X-Id: "+id+"\r\n"+framing, "")
				if j%3 == 0 {
					_, _ = io.WriteString(c, head)
					pass(t, 2*time.Millisecond)
					head = ""
				}
				_, _ = io.WriteString(c, head+body)
				resp, got, err := c.respond("POST")
				if err != nil && j > 0 { // closed, because somebody still reads the body before
					_ = c.Close()
					c = reach(t, s)
					continue
				}
				if err != nil || resp.StatusCode != 503 || got != "given up" {
					t.Errorf("%s %d: got %v, %q, %v, want 503", path, j, resp, got, err)
					return
				}
				if resp.Close {
					_ = c.Close()
					c = reach(t, s)
				}
			}
		})
	}
	clients.Wait()
	assert.Eventually(t, enough, "late handlers end", func() bool { return late.Load() == 0 })
}

// Strings that a handler keeps do not change with later requests.
func TestStreamStringsStayValid(t *testing.T) {
	t.Parallel()
	inWays(t, everyWay, func(t *testing.T, w way) {
		var mu sync.Mutex
		type kept struct{ got, want string }
		var all []kept
		app := tako.New()
		app.Any("/{id}", func(c *tako.Context) error {
			id := strings.Clone(c.Param("id"))
			cookie, _ := c.Cookie("c")
			values := []string{c.Param("id"), c.Query("q"), c.RequestHeader("X-H"), cookie, c.RequestHeaderValues("x-h")[0], c.Path()[1:], c.RawQuery()[2:]}
			body, err := c.ReadBody()
			if err != nil {
				return err
			}
			values = append(values, string(body))
			for name, value := range c.RequestHeaders() {
				if name == "X-H" {
					values = append(values, value)
				}
			}
			for _, value := range c.RequestTrailers() {
				values = append(values, value)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, v := range values {
				all = append(all, kept{v, id})
			}
			return c.NoContent()
		}, w.opts...)
		s := w.limited(t, app, tako.Limits{})
		c := reach(t, s)
		for i := range 200 {
			id := fmt.Sprintf("v%05d", i)
			req := posting("/"+id+"?q="+id, "X-H: "+id+"\r\nCookie: c="+id+"\r\nTransfer-Encoding: chunked", chunks(id, 3, "T: "+id+"\r\n"))
			if i%10 == 0 {
				c.send(req[:50])
				pass(t, time.Millisecond)
				req = req[50:]
			}
			if i%15 == 0 {
				c.send(req[:len(req)-4])
				pass(t, time.Millisecond)
				req = req[len(req)-4:]
			}
			c.send(req)
			if i%4 == 3 {
				for range 4 {
					c.answer(http.StatusNoContent)
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, len(all), 200*10, "strings")
		for _, k := range all {
			if k.got != k.want {
				t.Fatalf("got %q, want %q", k.got, k.want)
			}
		}
	})
}
