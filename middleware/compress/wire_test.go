package compress_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/runtime/std"
)

// lines makes n bytes of text that can be made smaller.
func lines(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d octopuses sit on the reef and count to %d\n", i, i*i%997)
	}
	return b.Bytes()[:n]
}

func number(c *tako.Context, name string) int {
	n, _ := strconv.Atoi(c.Query(name))
	return n
}

func bodiesApp() *tako.Router {
	r := tako.New()
	r.Use(compress.Responses(compress.Config{}))
	r.Get("/whole", func(c *tako.Context) error { return c.Bytes(200, "text/plain", lines(number(c, "n"))) })
	r.Get("/pieces", func(c *tako.Context) error {
		c.Header().Set("Content-Type", "text/plain")
		for rest := lines(number(c, "n")); len(rest) > 0; {
			n := min(len(rest), max(1, number(c, "piece")))
			if _, err := c.Write(rest[:n]); err != nil {
				return err
			}
			if c.Query("flush") != "" {
				if err := c.Flush(); err != nil {
					return err
				}
			}
			rest = rest[n:]
		}
		return nil
	})
	r.Get("/stream", func(c *tako.Context) error {
		return c.Stream(200, "text/plain", bytes.NewReader(lines(number(c, "n"))))
	})
	r.Get("/std", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.FormValue("n"))
		_, _ = w.Write(lines(n))
	})))
	return r
}

// TestCO01Wire: bodies of each size come whole, however they are written.
func TestCO01Wire(t *testing.T) {
	overAll(t, bodiesApp, func(t *testing.T, s *carrier) {
		for _, name := range codings {
			for _, n := range []int{0, 1, 1023, 1024, 1025, 70_000} {
				for _, path := range []string{"/whole?", "/stream?", "/std?", "/pieces?piece=100&", "/pieces?piece=900&flush=1&"} {
					target := path + "n=" + strconv.Itoa(n)
					resp := s.do(t, "GET", target, nil, "Accept-Encoding", name)
					want := name
					if n < 1024 && (!strings.Contains(path, "flush") || n == 0) {
						want = ""
					}
					assert.Equal(t, resp.Header.Get("Content-Encoding"), want, target)
					got, err := io.ReadAll(decoding(t, want, resp.Body))
					assert.NoError(t, err, target)
					if !bytes.Equal(got, lines(n)) {
						t.Errorf("%s in %q: got %d bytes", target, name, len(got))
					}
				}
			}
			if testing.Short() {
				continue // long under the race detector
			}
			resp := s.do(t, "GET", "/stream?n=10000000", nil, "Accept-Encoding", name)
			got, err := io.ReadAll(decoding(t, name, resp.Body))
			assert.NoError(t, err)
			assert.Equal(t, bytes.Equal(got, lines(10_000_000)), true, name, "10 MB")
		}
	})
}

// TestCO03Wire: each event arrives before the next is written.
func TestCO03Wire(t *testing.T) {
	seen := make(chan struct{})
	app := func() *tako.Router {
		r := tako.New()
		r.Use(compress.Responses(compress.Config{}))
		r.Get("/events", func(c *tako.Context) error {
			c.Header().Set("Content-Type", "text/event-stream")
			for i := range 20 {
				_, err := fmt.Fprintf(c, "data: %d\n\n", i)
				if err := errors.Join(err, c.Flush()); err != nil {
					return err
				}
				select {
				case <-seen:
				case <-c.Context().Done():
					return c.Context().Err()
				}
			}
			return nil
		})
		return r
	}
	overAll(t, app, func(t *testing.T, s *carrier) {
		for _, name := range codings {
			resp := s.do(t, "GET", "/events", nil, "Accept-Encoding", name)
			assert.Equal(t, resp.Header.Get("Content-Encoding"), name)
			body := decoding(t, name, resp.Body)
			begin := time.Now()
			for i := range 20 {
				want := fmt.Sprintf("data: %d\n\n", i)
				got := make([]byte, len(want))
				_, err := io.ReadFull(body, got)
				assert.NoError(t, err, name)
				assert.Equal(t, string(got), want, name)
				seen <- struct{}{}
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("%s: 20 events took %v, want 100 ms each at most", name, took)
			}
			rest, err := io.ReadAll(body)
			assert.NoError(t, err, name)
			assert.Equal(t, len(rest), 0)
		}
	})
}

// failing yields some bytes and fails then.
func failing(n int) io.Reader {
	return io.MultiReader(bytes.NewReader(lines(n)), &broken{})
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, errors.New("the source is dry") }

// TestCO05Wire: what fails before it has begun has its own status and no coding; what fails
// later is seen to be cut off.
func TestCO05Wire(t *testing.T) {
	begun := make(chan struct{}) // the client has the beginning
	app := func() *tako.Router {
		r := tako.New()
		r.Use(compress.Responses(compress.Config{}))
		r.Get("/early", func(c *tako.Context) error { return c.Stream(200, "text/plain", failing(number(c, "n"))) })
		r.Get("/teapot", func(c *tako.Context) error {
			c.Header().Set("Content-Type", "text/plain")
			_, err := c.Write(lines(500))
			return errors.Join(err, tako.Errorf(418, "no coffee"))
		})
		r.Get("/late", func(c *tako.Context) error {
			c.Header().Set("Content-Type", "text/plain")
			_, err := c.Write(lines(5000))
			if err := errors.Join(err, c.Flush()); err != nil {
				return err
			}
			select {
			case <-begun:
			case <-c.Context().Done():
			}
			if c.Query("panic") != "" {
				panic("dry")
			}
			return errors.New("dry")
		})
		return r
	}
	overAll(t, app, func(t *testing.T, s *carrier) {
		for _, name := range codings {
			for target, status := range map[string]int{"/early?n=0": 500, "/early?n=1000": 500, "/teapot": 418} {
				resp := s.do(t, "GET", target, nil, "Accept-Encoding", name)
				assert.Equal(t, resp.StatusCode, status, target)
				assert.Equal(t, resp.Header.Get("Content-Encoding"), "", target)
				assert.Equal(t, resp.Header.Get("Content-Type"), "application/problem+json", target)
				_, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
			}
			for _, target := range []string{"/late", "/late?panic=1"} {
				resp := s.do(t, "GET", target, nil, "Accept-Encoding", name)
				assert.Equal(t, resp.StatusCode, 200)
				coded := make([]byte, 16) // a reset of QUIC may overtake the others
				_, err := io.ReadFull(resp.Body, coded)
				assert.NoError(t, err, target, name)
				begun <- struct{}{}
				rest, err := io.ReadAll(resp.Body)
				if err == nil {
					t.Errorf("%s in %s ended well on the wire", target, name)
				}
				got, err := io.ReadAll(decoding(t, name, bytes.NewReader(append(coded, rest...))))
				if err == nil || !bytes.HasPrefix(lines(5000), got) {
					t.Errorf("%s in %s ended well: %d bytes", target, name, len(got))
				}
			}
		}
	})
}

// TestCO08: a hundred streams without end take bounded memory, and nothing when their clients
// have gone.
func TestCO08(t *testing.T) {
	const streams = 100
	for _, name := range codings {
		t.Run(name, func(t *testing.T) {
			var under, over sync.WaitGroup
			under.Add(streams)
			over.Add(streams)
			r := tako.New()
			r.Log(quiet)
			r.Use(compress.Responses(compress.Config{}))
			r.Get("/endless", func(c *tako.Context) error {
				c.OnDone(func(tako.Outcome) { over.Done() })
				c.Header().Set("Content-Type", "text/plain")
				piece := lines(20_000)
				for i := 0; ; i++ {
					if i == 20 {
						under.Done()
						<-c.Context().Done()
					}
					_, err := c.Write(piece)
					if err := errors.Join(err, c.Flush()); err != nil {
						return err
					}
					if i > 20 {
						return c.Context().Err()
					}
				}
			})
			s := serve(t, std.New(r, std.Config{Addr: "127.0.0.1:0", Log: quiet}), tako.HTTP11)
			before := heap()
			ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
			defer cancel()
			bodies := make(chan io.Closer, streams)
			for range streams {
				go func() {
					req, err := http.NewRequestWithContext(ctx, "GET", s.base+"/endless", nil)
					assert.NoError(t, err)
					req.Header.Set("Accept-Encoding", name)
					resp, err := s.RoundTrip(req)
					if err != nil {
						t.Error(err)
						return
					}
					go func() { _, _ = io.Copy(io.Discard, resp.Body) }()
					bodies <- resp.Body
				}()
			}
			under.Wait()
			each := (heap() - before) / streams
			t.Logf("%d KiB for each stream", each>>10)
			if each > 4<<20 {
				t.Errorf("each stream takes %d KiB", each>>10)
			}
			cancel()
			over.Wait()
			for range streams {
				_ = (<-bodies).Close()
			}
			assert.Eventually(t, patience, "memory to be given back", func() bool { return heap()-before < streams<<20/4 })
		})
	}
}

// heap is what is in use, pools emptied.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
