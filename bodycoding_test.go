package tako_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/middleware"
	"github.com/tako-go/tako/takotest"
)

// louder is a coding: the body in capital letters.
type louder struct {
	from   io.Reader
	closed chan<- struct{}
}

func (l *louder) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

func (l *louder) Close() error {
	l.closed <- struct{}{}
	return nil
}

// decoding undoes the coding "quiet".
func decoding(closed chan<- struct{}) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if c.RequestHeader("Content-Encoding") == "quiet" {
				if err := c.DecodeBody(func(body io.Reader) io.Reader { return &louder{body, closed} }); err != nil {
					return err
				}
			}
			return next(c)
		}
	}
}

// heard answers with what a handler sees of the body.
func heard(c *tako.Context) error {
	if err := c.CheckCoding(); err != nil {
		return err
	}
	for name := range c.RequestHeaders() {
		if name == "Content-Encoding" || name == "Content-Length" {
			return errors.New("the field is still there: " + name)
		}
	}
	length := c.ContentLength()
	body, err := c.ReadBody()
	if err != nil {
		return err
	}
	if length >= 0 && int64(len(body)) != length {
		return errors.New("wrong length")
	}
	return c.Text(200, string(body))
}

func heardHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Encoding") != "" || r.Header.Get("Content-Length") != "" || r.ContentLength != -1 {
		http.Error(w, "coded", http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

func passOn(next http.Handler) http.Handler { return next }

// TestEX03DecodeBody: whoever reads the body gets it decoded, whatever stands between.
func TestEX03DecodeBody(t *testing.T) {
	t.Parallel()
	quiet := takotest.Header("Content-Encoding", "quiet")
	body := takotest.Body("text/plain", "deep reef")
	for name, around := range map[string][]tako.Middleware{
		"nothing": nil, "timeout": {middleware.Timeout(time.Minute)}, "net/http": {tako.Std(passOn)},
		"limit": {middleware.BodyLimit(100)}, "all": {middleware.Timeout(time.Minute), tako.Std(passOn), middleware.BodyLimit(100), middleware.Timeout(time.Minute)},
	} {
		for _, inside := range []bool{false, true} {
			closed := make(chan struct{}, 10)
			r := tako.New()
			if inside {
				r.Use(around...)
				r.Use(decoding(closed))
			} else {
				r.Use(decoding(closed))
				r.Use(around...)
			}
			r.Post("/", heard)
			r.Post("/http", tako.HTTP(http.HandlerFunc(heardHTTP)))
			for _, s := range []*takotest.Server{takotest.New(t, r), takotest.Serve(t, r)} {
				for _, path := range []string{"/", "/http"} {
					s.Post(path, body, quiet).Expect(200).ExpectText("DEEP REEF")
					select {
					case <-closed:
					case <-time.After(20 * time.Second):
						t.Fatalf("%s, inside %v: the decoder was not closed", name, inside)
					}
				}
				s.Post("/", takotest.Body("text/plain", ""), quiet).Expect(200).ExpectText("")
				<-closed
				s.Post("/", body, takotest.Header("Content-Encoding", "gzip")).Expect(415)
			}
		}
	}
}

// TestEX03DecodedLimit: the limit is that of what comes out.
func TestEX03DecodedLimit(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.BodyLimit(10)
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			err := c.DecodeBody(func(body io.Reader) io.Reader {
				return io.MultiReader(strings.NewReader("12345678"), body)
			})
			return errors.Join(err, next(c))
		}
	})
	r.Post("/", heard)
	s := takotest.Serve(t, r)
	s.Post("/", takotest.Body("text/plain", "90")).Expect(200).ExpectText("1234567890")
	s.Post("/", takotest.Body("text/plain", "901")).Expect(413)
}

func TestDecodeBodyTooLate(t *testing.T) {
	t.Parallel()
	same := func(body io.Reader) io.Reader { return body }
	r := tako.New()
	r.Post("/twice", func(c *tako.Context) error {
		assert.NoError(t, c.DecodeBody(same))
		if c.DecodeBody(same) == nil {
			t.Error("the second time is no error")
		}
		return nil
	})
	r.Post("/read", func(c *tako.Context) error {
		_, err := c.Body().Read(make([]byte, 1))
		assert.NoError(t, err)
		if c.DecodeBody(same) == nil {
			t.Error("behind a read it is no error")
		}
		return nil
	})
	s := takotest.New(t, r)
	s.Post("/twice", takotest.Body("text/plain", "abc")).Expect(200)
	s.Post("/read", takotest.Body("text/plain", "abc")).Expect(200)
}

// TestDecodedBodyAfterwards: who reads on when the request is over gets an error, and nothing
// of the decoder.
func TestDecodedBodyAfterwards(t *testing.T) {
	t.Parallel()
	bodies := make(chan io.Reader, 1)
	closed := make(chan struct{}, 1)
	r := tako.New()
	r.Use(decoding(closed))
	r.Post("/", tako.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { bodies <- r.Body })))
	takotest.Serve(t, r).Post("/", takotest.Body("text/plain", "abc"), takotest.Header("Content-Encoding", "quiet")).Expect(200)
	<-closed
	if n, err := (<-bodies).Read(make([]byte, 10)); err == nil || err == io.EOF {
		t.Errorf("got %d bytes, %v", n, err)
	}
}
