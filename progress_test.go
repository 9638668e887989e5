package tako_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// Progress is told at the beginning, no more often than it is to be, and at the end.
func TestProgress(t *testing.T) {
	const size = 1 << 20
	var told []tako.Progress
	every := tako.ProgressConfig{Bytes: size / 4, Interval: time.Nanosecond}
	r := tako.New()
	r.BodyLimit(size)
	r.Post("/", func(c *tako.Context) error {
		c.OnProgress(every, func(p tako.Progress) { told = append(told, p) })
		n, err := io.Copy(io.Discard, struct{ io.Reader }{c.Body()})
		if err == nil {
			assert.Equal(t, n, int64(size))
		}
		return err
	})
	for name, s := range map[string]*takotest.Server{"memory": takotest.New(t, r), "net/http": takotest.Serve(t, r)} {
		for form, body := range map[string]takotest.Edit{
			"length":  takotest.Body("text/plain", strings.Repeat("x", size)),
			"chunked": takotest.Reader("text/plain", strings.NewReader(strings.Repeat("x", size))),
		} {
			about := name + " " + form
			total := int64(size)
			if form == "chunked" {
				total = -1
			}
			told = nil
			s.Post("/", body).Expect(http.StatusOK)
			if len(told) < 2 || len(told) > 6 {
				t.Errorf("%s: told %d times", about, len(told))
			}
			read := int64(0)
			for i, p := range told {
				if p.Read < read || i > 1 && !p.Done && p.Read-read < size/4 || p.Total != total || p.Err != nil {
					t.Errorf("%s: %d: %+v behind %d", about, i, p, read)
				}
				assert.Equal(t, p.Done, i == len(told)-1, about)
				read = p.Read
			}
			assert.Equal(t, read, int64(size), about)
		}
	}
}

// What a middleware has set is told of a body that is read inside a timeout.
func TestProgressAround(t *testing.T) {
	read := int64(0)
	r := tako.New()
	r.Use(func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.OnProgress(tako.ProgressConfig{}, func(p tako.Progress) { read = p.Read })
			return next(c)
		}
	})
	r.Timeout(time.Minute)
	r.Post("/", func(c *tako.Context) error {
		_, err := io.Copy(io.Discard, c.Body())
		return err
	})
	takotest.New(t, r).Post("/", takotest.Body("text/plain", "0123456789")).Expect(http.StatusOK)
	assert.Equal(t, read, 10)
}

// What was told of within the interval is left out.
func TestProgressInterval(t *testing.T) {
	var told []tako.Progress
	r := tako.New()
	r.Post("/", func(c *tako.Context) error {
		c.OnProgress(tako.ProgressConfig{Bytes: 1, Interval: time.Hour}, func(p tako.Progress) { told = append(told, p) })
		_, err := io.Copy(io.Discard, iotest.OneByteReader(c.Body()))
		return err
	})
	takotest.New(t, r).Post("/", takotest.Body("text/plain", "hello")).Expect(http.StatusOK)
	assert.Equal(t, told, []tako.Progress{{Read: 1, Total: 5}, {Read: 5, Total: 5, Done: true}})
}

// A body that breaks off is told of once.
func TestProgressBroken(t *testing.T) {
	told := make(chan tako.Progress, 10)
	r := tako.New()
	r.Post("/", func(c *tako.Context) error {
		c.OnProgress(tako.ProgressConfig{Bytes: 1, Interval: time.Nanosecond}, func(p tako.Progress) { told <- p })
		for range 2 {
			_, _ = io.ReadAll(c.Body())
		}
		close(told)
		return nil
	})
	conn := takotest.Serve(t, r).Dial()
	_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello")
	assert.NoError(t, err)
	<-told
	_ = conn.Close()
	broken := 0
	for p := range told {
		assert.Equal(t, p.Read, int64(5))
		if p.Err != nil {
			broken++
		}
		assert.Equal(t, p.Done, false)
	}
	assert.Equal(t, broken, 1)
}

// Nothing is told any more once it was taken back, and an unread body tells nothing.
func TestProgressOff(t *testing.T) {
	never := func(tako.Progress) { t.Error("told") }
	r := tako.New()
	r.Post("/off", func(c *tako.Context) error {
		c.OnProgress(tako.ProgressConfig{}, never)
		c.OnProgress(tako.ProgressConfig{}, nil)
		_, err := c.ReadBody()
		return err
	})
	r.Post("/unread", func(c *tako.Context) error {
		c.OnProgress(tako.ProgressConfig{}, never)
		return nil
	})
	s := takotest.New(t, r)
	s.Post("/off", takotest.Body("text/plain", "x")).Expect(http.StatusOK)
	s.Post("/unread", takotest.Body("text/plain", "x")).Expect(http.StatusOK)
}

// The end that the body limit puts to a body is told, with what the handler got of it.
func TestProgressLimit(t *testing.T) {
	var told []tako.Progress
	r := tako.New()
	r.BodyLimit(100)
	r.Post("/", func(c *tako.Context) error {
		c.OnProgress(tako.ProgressConfig{}, func(p tako.Progress) { told = append(told, p) })
		_, err := io.Copy(io.Discard, c.Body())
		return err
	})
	r.Post("/decoded", func(c *tako.Context) error {
		c.OnProgress(tako.ProgressConfig{Bytes: 1000}, func(p tako.Progress) { told = append(told, p) })
		if err := c.DecodeBody(func(body io.Reader) io.Reader { return io.MultiReader(body, body) }); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, iotest.OneByteReader(c.Body()))
		return err
	})
	text := strings.Repeat("x", 1000)
	for name, s := range map[string]*takotest.Server{"memory": takotest.New(t, r), "net/http": takotest.Serve(t, r)} {
		for _, tt := range []struct {
			path string
			body takotest.Edit
			read int64
		}{
			{"/", takotest.Body("text/plain", text), 0},
			{"/", takotest.Reader("text/plain", strings.NewReader(text)), 100},
			{"/decoded", takotest.Reader("text/plain", strings.NewReader(text)), 101},
		} {
			told = nil
			s.Post(tt.path, tt.body).Problem(http.StatusRequestEntityTooLarge)
			if len(told) == 0 {
				t.Errorf("%s %s: nothing was told", name, tt.path)
				continue
			}
			last := told[len(told)-1]
			assert.ErrorIs(t, last.Err, tako.ErrBodyTooLarge, name, " ", tt.path)
			assert.Equal(t, last.Read, tt.read, name, " ", tt.path)
			assert.Equal(t, last.Done, false, name, " ", tt.path)
		}
	}
}

// Of a coded body the coded bytes are told, and their number, also inside a timeout.
func TestProgressDecoded(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Minute} {
		var last tako.Progress
		r := tako.New()
		r.Use(func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error {
				base64Body := func(body io.Reader) io.Reader { return base64.NewDecoder(base64.StdEncoding, body) }
				return errors.Join(c.DecodeBody(base64Body), next(c))
			}
		})
		r.Timeout(timeout)
		r.Post("/", func(c *tako.Context) error {
			c.OnProgress(tako.ProgressConfig{}, func(p tako.Progress) { last = p })
			text, err := io.ReadAll(c.Body())
			assert.Equal(t, string(text), "hello!")
			return err
		})
		takotest.New(t, r).Post("/", takotest.Body("text/plain", "aGVsbG8h")).Expect(http.StatusOK)
		assert.Equal(t, last, tako.Progress{Read: 8, Total: 8, Done: true})
	}
}
