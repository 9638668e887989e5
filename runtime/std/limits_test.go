package std_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// slow is a reader that takes its time for each chunk.
type slow struct {
	next   *time.Ticker
	chunks int    // to come
	chunk  string // what is left of the one that has come
}

func (r *slow) Read(p []byte) (int, error) {
	if r.chunk == "" {
		if r.chunks == 0 {
			return 0, io.EOF
		}
		<-r.next.C
		r.chunks--
		r.chunk = chunk
	}
	n := copy(p, r.chunk)
	r.chunk = r.chunk[n:]
	return n, nil
}

var chunk = strings.Repeat("0123456789", 10)

// The write timeout is for clients that do not take what there is, not for sources
// that have nothing yet.
func TestSlowSource(t *testing.T) {
	t.Parallel()
	const chunks = 10
	size := chunks * len(chunk)
	source := func(t *testing.T) *slow {
		next := time.NewTicker(short / 2)
		t.Cleanup(next.Stop)
		return &slow{next: next, chunks: chunks}
	}
	serve := func(declared bool, protocol string, write func(t *testing.T, c *tako.Context, from io.Reader) error) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			app.Get("/", func(c *tako.Context) error {
				if declared {
					c.Header().Set("Content-Length", "1000")
				}
				return write(t, c, source(t))
			})
			s := start(t, app, tako.Limits{WriteTimeout: short})
			c := dial(t, s)
			c.send("GET / " + protocol + "\r\nHost: a.example\r\nConnection: close\r\n\r\n")
			body := c.answer(http.StatusOK)
			assert.Equal(t, len(body), size, "size of the body")
			assert.Equal(t, body, strings.Repeat(chunk, chunks))
			assert.Equal(t, s.Stats().TimedOut, int64(0), "timed out")
		}
	}
	stream := func(_ *testing.T, c *tako.Context, from io.Reader) error {
		return c.Stream(http.StatusOK, "text/plain", from)
	}
	limited := func(_ *testing.T, c *tako.Context, from io.Reader) error {
		return c.Stream(http.StatusOK, "text/plain", io.LimitReader(from, int64(size)))
	}
	copied := func(_ *testing.T, c *tako.Context, from io.Reader) error {
		return tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, from) }))(c)
	}
	piped := func(t *testing.T, c *tako.Context, from io.Reader) error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		go func() {
			defer w.Close()
			_, _ = io.Copy(w, from)
		}()
		return c.Stream(http.StatusOK, "text/plain", r)
	}
	together(t, map[string]func(t *testing.T){
		"stream":           serve(true, "HTTP/1.1", stream),
		"limited":          serve(true, "HTTP/1.1", limited),
		"net/http handler": serve(true, "HTTP/1.1", copied),
		"pipe":             serve(true, "HTTP/1.1", piped),
		"http/1.0":         serve(false, "HTTP/1.0", stream),
		"http/1.0 pipe":    serve(false, "HTTP/1.0", piped),
		"chunked":          serve(false, "HTTP/1.1", stream),
	})
}

// Files go by pieces, of which each has the write timeout for itself.
func TestFileTimeout(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	assert.NoError(t, os.WriteFile(file, text, 0o600))
	app := tako.New()
	ended := make(chan error, 1)
	app.Get("/", func(c *tako.Context) error {
		err := c.File(file)
		ended <- err
		return err
	})
	s := start(t, app, tako.Limits{WriteTimeout: 3 * short}) // nobody may stall for as long
	c := dial(t, s)
	c.get("/")
	if got := c.answer(http.StatusOK); got != string(text) {
		t.Errorf("got %d bytes that are not the %d of the file", len(got), len(text))
	}
	assert.NoError(t, <-ended)
	assert.Equal(t, s.Stats().TimedOut, int64(0), "timed out")
	dial(t, s).get("/") // and takes nothing
	assert.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
	assert.Eventually(t, patience, "it is counted", func() bool { return s.Stats().TimedOut == 1 })
}

// A write deadline of a handler strikes by itself, and is gone for the next request.
func TestWriteDeadline(t *testing.T) {
	t.Parallel()
	strikes := func(ahead time.Duration) func(t *testing.T) {
		return func(t *testing.T) {
			app := tako.New()
			ended := make(chan error, 1)
			took := make(chan time.Duration, 1)
			app.Get("/", func(c *tako.Context) error {
				began := time.Now()
				if err := c.SetWriteDeadline(began.Add(ahead)); err != nil {
					return err
				}
				err := c.Stream(http.StatusOK, "text/plain", endless{})
				took <- time.Since(began)
				ended <- err
				return err
			})
			dial(t, start(t, app, tako.Limits{})).get("/")
			assert.ErrorIs(t, <-ended, os.ErrDeadlineExceeded)
			if d := <-took; d < ahead || d > ahead+patience/2 {
				t.Errorf("ended after %v, want soon after %v", d, ahead)
			}
		}
	}
	together(t, map[string]func(t *testing.T){
		"near": strikes(50 * time.Millisecond),
		"far":  strikes(2500 * time.Millisecond),
		"next request": func(t *testing.T) {
			app := hello()
			app.Get("/deadline", func(c *tako.Context) error {
				if err := c.SetWriteDeadline(time.Now().Add(short)); err != nil {
					return err
				}
				return c.Text(http.StatusOK, "in time")
			})
			c := dial(t, start(t, app, tako.Limits{}))
			c.get("/deadline")
			assert.Equal(t, c.answer(http.StatusOK), "in time")
			c.silent(2 * short)
			c.get("/")
			assert.Equal(t, c.answer(http.StatusOK), "hello")
		},
	})
}

// net/http takes heads of 4 KiB whatever its limit.
func TestHeaderBytes(t *testing.T) {
	t.Parallel()
	head := func(size int) string {
		const begin, end = "GET / HTTP/1.1\r\nHost: a.example\r\nX-Long: ", "\r\n\r\n"
		return begin + strings.Repeat("a", size-len(begin)-len(end)) + end
	}
	sized := func(limit int) func(t *testing.T) {
		return func(t *testing.T) {
			s := start(t, hello(), tako.Limits{HeaderBytes: limit})
			kept := dial(t, s)
			for _, size := range []int{limit / 2, limit} {
				kept.send(head(size))
				assert.Equal(t, kept.answer(http.StatusOK), "hello", size, " bytes")
			}
			kept.send(head(limit + 5000)) // net/http counts from what it has not read ahead
			assert.Contains(t, kept.rest(), "HTTP/1.1 431 ", limit+5000, " bytes")
			for _, size := range []int{limit + 200, 3900} {
				if size <= limit {
					continue
				}
				c := dial(t, s)
				c.send(head(size))
				assert.Contains(t, c.rest(), "HTTP/1.1 431 ", size, " bytes")
			}
		}
	}
	cases := map[string]func(t *testing.T){}
	for _, limit := range []int{120, 512, 2000, 4096, 4097, 5000, 10000} {
		cases[strconv.Itoa(limit)] = sized(limit)
	}
	together(t, cases)
}

// The header timeout begins with the first byte of a request.
func TestBegunHead(t *testing.T) {
	t.Parallel()
	limits := tako.Limits{HeaderTimeout: short, IdleTimeout: tako.NoLimit}
	begun := func(first bool, part string) func(t *testing.T) {
		return func(t *testing.T) {
			s := start(t, hello(), limits)
			var c *client
			if first {
				c = dial(t, s)
			} else {
				c = dialOnce(t, s)
				c.silent(2 * short) // no limit
			}
			c.send(part)
			if got := c.rest(); strings.Contains(got, "200 OK") {
				t.Errorf("got %q", got)
			}
		}
	}
	together(t, map[string]func(t *testing.T){
		"nothing":          begun(true, ""),
		"one byte":         begun(true, "G"),
		"second, 1 byte":   begun(false, "G"),
		"second, 2 bytes":  begun(false, "GE"),
		"second, 3 bytes":  begun(false, "GET"),
		"second, 4 bytes":  begun(false, "GET "),
		"second, one line": begun(false, "GET / HTTP/1.1\r\n"),
		"in time": func(t *testing.T) {
			c := dial(t, start(t, hello(), tako.Limits{HeaderTimeout: 10 * time.Second, IdleTimeout: tako.NoLimit}))
			for range 2 {
				c.send("G")
				c.silent(short / 2)
				c.send("ET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
				assert.Equal(t, c.answer(http.StatusOK), "hello")
				c.silent(short / 2)
			}
		},
	})
}
