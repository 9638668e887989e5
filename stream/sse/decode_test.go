package sse

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// What is read, whatever the pieces it comes in.
func TestRead(t *testing.T) {
	const text = "\ufeff: hello\r\n\r\nid: 1\rdata: a\r\rdata:b\ndata\ndata:  c\nevent: n\nretry: 5\n\n" +
		"event: none\n\nid\ndata: d\nunknown: x\n\nid: a\x00b\ndata: e\n\ndata: cut"
	want := []Event[string]{{ID: "1", Data: "a"}, {ID: "1", Name: "n", Data: "b\n\n c", Retry: 5 * time.Millisecond}, {Data: "d"}, {Data: "e"}}
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(text), "by bytes": iotest.OneByteReader(strings.NewReader(text)), "by halves": iotest.HalfReader(strings.NewReader(text)),
	} {
		var got []Event[string]
		for e, err := range read[string](io.NopCloser(r)) {
			assert.NoError(t, err, name)
			got = append(got, e)
		}
		assert.Equal(t, got, want, name)
	}
}

func TestReadFails(t *testing.T) {
	failing := io.MultiReader(strings.NewReader("data: 1\n\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	for name, tt := range map[string]struct {
		r    io.Reader
		want error
		good int
	}{
		"broken":     {failing, io.ErrUnexpectedEOF, 1},
		"line":       {strings.NewReader("data: 1\n\ndata: " + strings.Repeat("1", maxReceived+1)), ErrTooLarge, 1},
		"many lines": {strings.NewReader(strings.Repeat("data: 11111111\n", maxReceived/8)), ErrTooLarge, 0},
		"no JSON":    {strings.NewReader("data: 1\n\ndata: x\n\ndata: 1\n\n"), nil, 1},
	} {
		good, failures := 0, 0
		for _, err := range read[int](io.NopCloser(tt.r)) {
			if err == nil {
				good++
				continue
			}
			failures++
			if tt.want != nil {
				assert.ErrorIs(t, err, tt.want, name)
			}
		}
		assert.Equal(t, good, tt.good, name)
		assert.Equal(t, failures, 1, name)
	}
}

// An event without data is the zero value, and what a block without data says of time is told with
// the next event.
func TestReadBare(t *testing.T) {
	type point struct{ X int }
	const text = "retry: 5000\n\nevent: reset\ndata: \n\nretry: 1\n\n: hello\n\nretry: 2\n\nid: 7\ndata: {\"X\":1}\n\ndata\n\n"
	var got []Event[point]
	for e, err := range read[point](io.NopCloser(strings.NewReader(text))) {
		assert.NoError(t, err)
		got = append(got, e)
	}
	assert.Equal(t, got, []Event[point]{{Name: ResetEvent, Retry: 5 * time.Second}, {ID: "7", Data: point{1}, Retry: 2 * time.Millisecond}, {ID: "7"}})
}
