package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func newLines(t *testing.T) *service {
	t.Helper()
	s, err := newService(10)
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.close()) })
	assert.NoError(t, s.fill())
	return s
}

func TestAsk(t *testing.T) {
	s := newLines(t)
	_, err := s.reefs.Post("kelp", "octavia", "two\nlines \x1b[31m")
	assert.NoError(t, err)
	tests := []struct{ question, want string }{
		{"ping", "pong\nok\n"},
		{" PING \r\n", "pong\nok\n"},
		{"help", linesHelp + "ok\n"},
		{"reefs", "lagoon         4  calm water, for first words\n" +
			"drop-off       2  streams and other depths\nkelp           2  things to share\nok\n"},
		{"read kelp", "7 octavia: " + demo[6].text + "\n8 octavia: two lines  [31m\nok\n"},
		{"read desert", "no: no such reef\n"},
		{"dig\x1b", "no: \"dig \" is no question, ask for help\n"},
	}
	for _, tt := range tests {
		assert.Equal(t, string(s.ask(tt.question)), tt.want, tt.question)
	}
}

// However the bytes come, the lines are the same.
func TestLines(t *testing.T) {
	s := newLines(t)
	const asked = "ping\r\n\nping\nread desert\nstop\nping"
	const want = "pong\nok\npong\nok\nno: no such reef\nok\npong\nok\n"
	for size := 1; size <= len(asked); size++ {
		var got strings.Builder
		n := &session{service: s, write: func(p []byte) error {
			got.Write(p)
			return nil
		}}
		for rest := asked; rest != ""; {
			k := min(size, len(rest))
			assert.Equal(t, n.feed([]byte(rest[:k])), true)
			rest = rest[k:]
		}
		n.end()
		assert.Equal(t, got.String(), want, fmt.Sprint("by ", size))
	}
}

func TestLinesEnd(t *testing.T) {
	s := newLines(t)
	broken := errors.New("gone")
	tests := []struct {
		name, asked string
		err         error
		want        string
	}{
		{"quit", "ping\nquit\nping\n", nil, "pong\nok\n"},
		{"too long", strings.Repeat("x", maxLine+1), nil, "no: a line has at most 256 bytes\n"},
		{"broken", "ping\nping\n", broken, "pong\nok\n"},
	}
	for _, tt := range tests {
		got := ""
		n := &session{service: s, write: func(p []byte) error {
			got += string(p)
			return tt.err
		}}
		assert.Equal(t, n.feed([]byte(tt.asked)), false, tt.name)
		assert.Equal(t, got, tt.want, tt.name)
	}
}

func TestShorten(t *testing.T) {
	long := []byte(strings.Repeat("0123456789\n", 10))
	assert.Equal(t, string(shorten(long, len(long))), string(long))
	got := string(shorten(long, len(long)-1))
	assert.Equal(t, got, strings.Repeat("0123456789\n", 6)+"no: the rest is too long, ask over TCP\n")
	assert.Equal(t, string(shorten([]byte(strings.Repeat("x", 100)), 80)), "no: the rest is too long, ask over TCP\n")
}
