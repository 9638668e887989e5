package http2serve_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// noise is n bytes that depend on the seed alone, and their hash once they were read.
func noise(n int64, seed uint64) (io.Reader, hash.Hash) {
	sum := sha256.New()
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	return io.TeeReader(io.LimitReader(rand.NewChaCha8(key), n), sum), sum
}

// patient leaves out the limit that a machine with much else to do would pass, as many share
// what it has left.
var patient = tako.Limits{MinBodyRate: tako.NoLimit}

// An echo sends while it receives, far more than all windows and buffers together.
func TestEcho(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		app := tako.New()
		app.Post("/", func(c *tako.Context) error {
			_, err := io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{c.Body()}, make([]byte, 16<<10))
			return err
		}, tako.BodyLimit(-1))
		s := k.serve(t, app, config{limits: patient})
		body, sent := noise(echoSize, 1)
		resp, err := s.client(t).Do(request(t, "POST", s.url("/"), io.NopCloser(body)))
		assert.NoError(t, err)
		defer resp.Body.Close()
		got := sha256.New()
		n, err := io.Copy(got, resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, n, int64(echoSize))
		assert.Equal(t, bytes.Equal(got.Sum(nil), sent.Sum(nil)), true, "the same")
	})
}

// A handler of net/http may read on one goroutine and write on another. Neither may take the
// other's wake-up for its own.
func TestReadBesideWrite(t *testing.T) {
	const size, rounds = 2 << 20, 4
	over(t, allTargets, func(t *testing.T, k target) {
		app := tako.New()
		app.Post("/", tako.HTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			read := make(chan string)
			go func() {
				sum := sha256.New()
				n, err := io.Copy(sum, r.Body)
				read <- fmt.Sprintf("%d %v %x", n, err, sum.Sum(nil))
			}()
			w.Header().Set("Trailer", "X-Read")
			body, _ := noise(size, 2)
			_, err := io.Copy(w, body)
			if err != nil {
				t.Errorf("handler: %v", err)
			}
			w.Header().Set("X-Read", <-read)
		})), tako.BodyLimit(-1))
		s := k.serve(t, app, config{limits: patient, http2: tako.HTTP2Config{Window: 1 << 10, MaxWindow: 1 << 10, SendBuffer: 1 << 10}})
		c := s.client(t)
		var wg sync.WaitGroup
		for i := range rounds {
			wg.Go(func() {
				body, sent := noise(size/8, uint64(i))
				resp, err := c.Do(request(t, "POST", s.url("/"), io.NopCloser(body)))
				if err != nil {
					t.Errorf("round %d: %v", i, err)
					return
				}
				defer resp.Body.Close()
				n, err := io.Copy(io.Discard, resp.Body)
				if n != size || err != nil {
					t.Errorf("round %d: got %d bytes and %v", i, n, err)
				}
				assert.Equal(t, resp.Trailer.Get("X-Read"), fmt.Sprintf("%d <nil> %x", size/8, sent.Sum(nil)), "what the handler read")
			})
		}
		wg.Wait()
	})
}

// Many uploads and downloads share a connection.
func TestManyTransfers(t *testing.T) {
	const each, size = 100, echoSize >> 8
	over(t, allTargets, func(t *testing.T, k target) {
		app := tako.New()
		app.Post("/up", func(c *tako.Context) error {
			sum := sha256.New()
			if _, err := io.Copy(sum, c.Body()); err != nil {
				return err
			}
			return c.Text(http.StatusOK, fmt.Sprintf("%x", sum.Sum(nil)))
		}, tako.BodyLimit(-1))
		app.Get("/down/{seed}", func(c *tako.Context) error {
			var seed uint64
			_, _ = fmt.Sscan(c.Param("seed"), &seed)
			body, _ := noise(size, seed)
			return c.Stream(http.StatusOK, "application/octet-stream", body)
		})
		s := k.serve(t, app, config{limits: patient})
		c := s.client(t)
		var wg sync.WaitGroup
		for i := range each {
			wg.Go(func() {
				body, sum := noise(size, uint64(i))
				got, err := ask(c, request(t, "POST", s.url("/up"), io.NopCloser(body)))
				if err != nil || got.body != fmt.Sprintf("%x", sum.Sum(nil)) {
					t.Errorf("upload %d: got %.100q and %v", i, got.body, err)
				}
			})
			wg.Go(func() {
				got, err := ask(c, request(t, "GET", s.url(fmt.Sprint("/down/", i)), nil))
				body, _ := noise(size, uint64(i))
				want, _ := io.ReadAll(body)
				if err != nil || got.body != string(want) {
					t.Errorf("download %d: got %d bytes and %v", i, len(got.body), err)
				}
			})
		}
		wg.Wait()
	})
}
