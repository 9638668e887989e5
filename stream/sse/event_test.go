package sse

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func text[T any](t *testing.T, e Event[T]) string {
	t.Helper()
	out, err := appendEvent(nil, &e, 1024)
	assert.NoError(t, err)
	return string(out)
}

// How events look on the wire.
func TestAppendEvent(t *testing.T) {
	type point struct {
		X int    `json:"x"`
		S string `json:"s"`
	}
	for _, tt := range []struct{ got, want string }{
		{text(t, Event[string]{Data: "a"}), "data: a\n\n"},
		{text(t, Event[string]{}), "data: \n\n"},
		{text(t, Event[string]{Data: "a\nb\r\nc\rd\n\n"}), "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: \n\n"},
		{text(t, Event[string]{Data: "  two"}), "data:   two\n\n"},
		{text(t, Event[any]{Data: "a"}), "data: a\n\n"},
		{text(t, Event[point]{Name: "p", ID: "7", Retry: time.Second, Data: point{1, "a\nb"}}),
			"event: p\nid: 7\nretry: 1000\ndata: {\"x\":1,\"s\":\"a\\nb\"}\n\n"},
		{text(t, Event[[]int]{Data: []int{1, 2}, Comment: "c\r\nd"}), ": c\n: d\ndata: [1,2]\n\n"},
		{text(t, Event[json.RawMessage]{Data: json.RawMessage("{\n\"a\":\r\n1}")}), "data: {\"a\":1}\n\n"},
		{text(t, Event[int]{Retry: 1}), "retry: 1\ndata: 0\n\n"},
		{text(t, Event[int]{Retry: math.MaxInt64}), "retry: 9223372036855\ndata: 0\n\n"},
	} {
		assert.Equal(t, tt.got, tt.want)
	}
}

// An event that cannot be sent leaves nothing behind.
func TestSS01Refused(t *testing.T) {
	for _, e := range []Event[string]{
		{Name: "a\nb"}, {Name: "a\rdata: x"}, {Name: "a\x00"}, {Name: "\xff"},
		{ID: "1\n"}, {ID: "\r"}, {ID: "a\x00b"}, {ID: "\xc3"}, {Retry: -1},
		{ID: "a\x01b"}, {ID: "\x1f"}, {ID: "\v"}, {ID: "\x7f"}, {ID: strings.Repeat("x", 1025)},
	} {
		e.Comment = "comment"
		out, err := appendEvent([]byte("before"), &e, 1024)
		assert.ErrorIs(t, err, ErrEvent)
		assert.Equal(t, string(out), "before")
	}
	out, err := appendEvent([]byte("before"), &Event[any]{Data: func() {}}, 1024)
	if err == nil || errors.Is(err, ErrEvent) {
		t.Errorf("got %v, want an error of encoding", err)
	}
	assert.Equal(t, string(out), "before")
}

// What a header field may have is an ID, up to the length that is set.
func TestIDs(t *testing.T) {
	for _, id := range []string{"tab\tinside", "\u0085ünï☃", strings.Repeat("x", 1024)} {
		assert.Equal(t, text(t, Event[string]{ID: id}), "id: "+id+"\ndata: \n\n")
	}
	long := Event[string]{ID: strings.Repeat("x", 2000)}
	assert.ErrorIs(t, NewHub[string](HubConfig{}).Publish("t", long), ErrEvent)
	assert.NoError(t, NewHub[string](HubConfig{Stream: Config{MaxID: 2000}}).Publish("t", long))
	assert.NoError(t, NewHub[string](HubConfig{Stream: Config{MaxID: tako.NoLimit}}).Publish("t", long))
	assert.ErrorIs(t, NewHub[string](HubConfig{Stream: Config{MaxID: 1999}}).Publish("t", long), ErrEvent)
}

// A number is encoded into the buffer.
func TestAppendEventAllocates(t *testing.T) {
	buf := make([]byte, 0, 1<<10)
	e := &Event[string]{Name: "n", ID: "1", Data: "some text"}
	if n := testing.AllocsPerRun(100, func() { buf, _ = appendEvent(buf[:0], e, 1024) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
