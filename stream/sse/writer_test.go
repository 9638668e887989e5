package sse_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
)

// Events of several goroutines, comments and keep-alive never mix.
func TestWriterShared(t *testing.T) {
	const each, senders = 300, 4
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error {
			w, err := sse.Open[string](c, sse.Config{KeepAlive: time.Millisecond})
			if err != nil {
				return err
			}
			var wait sync.WaitGroup
			for i := range senders {
				wait.Go(func() {
					for j := range each {
						assert.NoError(t, w.Send(sse.Event[string]{Name: strconv.Itoa(i), Data: strconv.Itoa(j) + "\nline"}, sse.Event[string]{Data: "second"}))
						assert.NoError(t, w.Comment("a\nb"))
						assert.NoError(t, w.Retry(time.Second))
					}
				})
			}
			wait.Wait()
			assert.NoError(t, w.Close())
			assert.NoError(t, w.Close())
			assert.ErrorIs(t, w.Send(sse.Event[string]{}), net.ErrClosed)
			assert.ErrorIs(t, context.Cause(w.Context()), net.ErrClosed)
			return nil
		})
		return r
	}, func(t *testing.T, s *carrier) {
		all, err := s.source(t, "/").rest()
		assert.ErrorIs(t, err, io.EOF)
		assert.Equal(t, len(all), 2*each*senders)
		next := make([]int, senders)
		for i := 0; i+1 < len(all); i += 2 {
			from, err := strconv.Atoi(all[i].name)
			assert.NoError(t, err)
			assert.Equal(t, all[i].data, strconv.Itoa(next[from])+"\nline")
			assert.Equal(t, all[i+1].data, "second")
			next[from]++
		}
	})
}

// A writer that the handler leaves behind does no harm: it is closed.
func TestWriterLate(t *testing.T) {
	left := make(chan *sse.Writer[string], 1)
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error {
			w, err := sse.Open[string](c, sse.Config{KeepAlive: time.Millisecond})
			left <- w
			return err
		})
		return r
	}, func(t *testing.T, s *carrier) {
		err := s.source(t, "/").end()
		assert.ErrorIs(t, err, io.EOF)
		w := <-left
		<-w.Context().Done()
		assert.ErrorIs(t, w.Send(sse.Event[string]{Data: "late"}), net.ErrClosed)
	})
}

// What is invalid leaves the stream as it was.
func TestWriterInvalid(t *testing.T) {
	body, err := answered(func(c *tako.Context) error {
		w, err := sse.Open[string](c, sse.Config{})
		if err != nil {
			return err
		}
		assert.ErrorIs(t, w.Send(sse.Event[string]{Data: "good"}, sse.Event[string]{ID: "\r"}), sse.ErrEvent)
		assert.ErrorIs(t, w.Retry(-1), sse.ErrEvent)
		if _, err := sse.Open[string](c, sse.Config{}); err == nil {
			t.Error("opened twice")
		}
		return w.Send(sse.Event[string]{Data: "after"})
	})
	assert.NoError(t, err)
	assert.Equal(t, body, "data: after\n\n")
}

// Whatever is in an event, a client gets that one, or none and the next, over every protocol.
func TestSS01Wire(t *testing.T) {
	nasty := []string{"", "a", " lead", "  two", "\n", "a\nb", "a\r\nb\rc\n\n", "data: x\n\nevent: y\n\ndata: z", ":comment", "id: 7", "\ufeffx", "nul\x00", "ünï☃", strings.Repeat("long\n", 20000)}
	overAll(t, func() *tako.Router {
		r := tako.New()
		r.Get("/", func(c *tako.Context) error {
			w, err := sse.Open[string](c, sse.Config{})
			if err != nil {
				return err
			}
			for _, text := range nasty {
				assert.NoError(t, w.Send(sse.Event[string]{Data: text, Comment: text}))
				assert.NoError(t, w.Comment(text))
				breaks := strings.ContainsAny(text, "\r\n\x00")
				assert.Equal(t, w.Send(sse.Event[string]{Name: text, Data: "name"}) != nil, breaks)
				assert.Equal(t, w.Send(sse.Event[string]{ID: text, Data: "id"}) != nil, breaks)
			}
			return nil
		})
		return r
	}, func(t *testing.T, s *carrier) {
		var want []received
		id := ""
		for _, text := range nasty {
			want = append(want, received{"message", strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), id})
			if strings.ContainsAny(text, "\r\n\x00") {
				continue
			}
			name := text
			if name == "" {
				name = "message"
			}
			want = append(want, received{name, "name", id})
			if text != "" {
				id = text
			}
			want = append(want, received{"message", "id", id})
		}
		all, err := s.source(t, "/").rest()
		assert.ErrorIs(t, err, io.EOF)
		assert.Equal(t, len(all), len(want))
		for i := range min(len(all), len(want)) {
			assert.Equal(t, all[i], want[i])
		}
	})
}
