package sse_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/sse"
)

// FuzzEvent sends one event, of which a client gets exactly one, the same.
func FuzzEvent(f *testing.F) {
	f.Add("1", "name", "data", "comment", uint16(3))
	f.Add("", "", "a\r\n\r\nevent: x\rdata: y\n\n", "\n\ndata: z\n\n", uint16(0))
	f.Add("1\nid: 2", "a\rb", " lead", "\r\ndata: 1", uint16(1))
	f.Add("a\x01", "a\x01", "\x7f", "\x1b", uint16(2))
	f.Add("\x00", "\ufeff", "\x00\xff\ufeff", ":", uint16(9))
	f.Fuzz(func(t *testing.T, id, name, data, comment string, retry uint16) {
		event := sse.Event[string]{ID: id, Name: name, Data: data, Comment: comment, Retry: time.Duration(retry) * time.Millisecond}
		check := func(form string, body string, sent error) {
			if sent != nil {
				good := func(s string) bool { return utf8.ValidString(s) && !strings.ContainsAny(s, "\r\n\x00") }
				if !errors.Is(sent, sse.ErrEvent) || good(id) && sendable(id) && good(name) {
					t.Fatalf("%s: refused: %v", form, sent)
				}
				if events, _, _ := parse(body); len(events) != 0 {
					t.Fatalf("%s: got %q of what was refused", form, events)
				}
				return
			}
			want := received{name, decode([]byte(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data))), id}
			if name == "" {
				want.name = "message"
			}
			events, lastID, told := parse(body)
			if len(events) != 1 || events[0] != want || lastID != id {
				t.Fatalf("%s: got %q, want one %q\n%q", form, events, want, body)
			}
			var own sse.Stream[string]
			resp := &http.Response{Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(strings.NewReader(body))}
			if err := own.DecodeResponse(resp, nil); err != nil {
				t.Fatal(err)
			}
			for e, err := range own.Events {
				if err != nil || e.ID != id || e.Name != name || decode([]byte(e.Data)) != want.data {
					t.Fatalf("%s: read %q, %v, want %q", form, e, err, want)
				}
			}
			if retry > 0 && told != fmt.Sprint(retry) {
				t.Fatalf("%s: retry %q, want %d", form, told, retry)
			}
		}
		body, err := answered(func(c *tako.Context) error {
			w, err := sse.Open[string](c, sse.Config{})
			if err != nil {
				return err
			}
			return w.Send(event)
		})
		check("writer", body, err)
		ch := make(chan sse.Event[string], 1)
		ch <- event
		close(ch)
		body, err = answered(sse.Stream[string]{Channel: ch}.Respond)
		check("channel", body, err)
	})
}

// sendable reports whether a client can send id in a header field.
func sendable(id string) bool {
	return len(id) <= 1024 && !strings.ContainsFunc(id, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// answered returns what a handler sends and returns.
func answered(h tako.Handler) (body string, err error) {
	r := tako.New()
	r.Log(quiet)
	r.Get("/", func(c *tako.Context) error {
		err = h(c)
		return nil
	})
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w.Body.String(), err
}
