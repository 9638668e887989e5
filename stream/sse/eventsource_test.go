package sse_test

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// received is what an EventSource dispatches.
type received struct {
	name, data, id string
}

// eventSource reads a stream as WHATWG HTML, sections 9.2.5 and 9.2.6, has it. It shares nothing
// with the package.
type eventSource struct {
	tb       testing.TB
	body     io.ReadCloser
	events   chan received
	comments chan string
	err      chan error
	began    chan struct{} // closed behind the first block

	lastID string // "last event ID string"
	retry  string // of digits
}

func newEventSource(tb testing.TB, body io.ReadCloser) *eventSource {
	s := &eventSource{tb: tb, body: body, events: make(chan received, 4096), comments: make(chan string, 4096), err: make(chan error, 1), began: make(chan struct{})}
	go func() {
		s.err <- s.read(bufio.NewReader(body))
		close(s.events)
	}()
	tb.Cleanup(func() { _ = body.Close() })
	return s
}

// parse reads a whole stream.
func parse(text string) (events []received, lastID, retry string) {
	s := &eventSource{events: make(chan received, len(text)+1), comments: make(chan string, len(text)+1), began: make(chan struct{})}
	_ = s.read(bufio.NewReader(strings.NewReader(text)))
	close(s.events)
	for e := range s.events {
		events = append(events, e)
	}
	return events, s.lastID, s.retry
}

// read interprets lines, which end with CRLF, LF or CR. An incomplete block at the end is lost.
func (s *eventSource) read(r *bufio.Reader) error {
	if bom, _ := r.Peek(3); string(bom) == "\ufeff" {
		_, _ = r.Discard(3)
	}
	var data, name, id strings.Builder
	var line []byte
	skipLF := false
	for {
		b, err := r.ReadByte()
		if err != nil {
			return err
		}
		if skipLF {
			skipLF = false
			if b == '\n' {
				continue
			}
		}
		if b != '\r' && b != '\n' {
			line = append(line, b)
			continue
		}
		skipLF = b == '\r'
		text := decode(line)
		line = line[:0]
		switch {
		case text == "":
			s.lastID = id.String()
			if !closed(s.began) {
				close(s.began)
			}
			if data.Len() > 0 {
				e := received{name.String(), strings.TrimSuffix(data.String(), "\n"), s.lastID}
				if e.name == "" {
					e.name = "message"
				}
				s.events <- e
			}
			data.Reset()
			name.Reset()
		case text[0] == ':':
			select {
			case s.comments <- text[1:]:
			default: // nobody wants so many
			}
		default:
			field, value, _ := strings.Cut(text, ":")
			s.field(field, strings.TrimPrefix(value, " "), &data, &name, &id)
		}
	}
}

func (s *eventSource) field(field, value string, data, name, id *strings.Builder) {
	switch field {
	case "event":
		name.Reset()
		name.WriteString(value)
	case "data":
		data.WriteString(value + "\n")
	case "id":
		if !strings.Contains(value, "\x00") {
			id.Reset()
			id.WriteString(value)
		}
	case "retry":
		if _, err := strconv.ParseUint(value, 10, 64); err == nil {
			s.retry = value
		}
	}
}

// decode is UTF-8 decode, with U+FFFD for what is none.
func decode(line []byte) string {
	var b strings.Builder
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		b.WriteRune(r)
		line = line[n:]
	}
	return b.String()
}

// next waits for an event.
func (s *eventSource) next() received {
	s.tb.Helper()
	select {
	case e, open := <-s.events:
		if !open {
			s.tb.Fatalf("the stream has ended: %v", <-s.err)
		}
		return e
	case <-time.After(patience):
		s.tb.Fatal("no event")
	}
	return received{}
}

// end waits for the end, before which no event comes.
func (s *eventSource) end() error {
	s.tb.Helper()
	select {
	case e, open := <-s.events:
		if open {
			s.tb.Fatalf("got %+v, want the end", e)
		}
		return <-s.err
	case <-time.After(patience):
		s.tb.Fatal("the stream goes on")
	}
	return nil
}

// rest waits for the end and returns what came before.
func (s *eventSource) rest() (all []received, err error) {
	s.tb.Helper()
	limit := time.After(patience)
	for {
		select {
		case e, open := <-s.events:
			if !open {
				return all, <-s.err
			}
			all = append(all, e)
		case <-limit:
			s.tb.Fatal("the stream goes on")
		}
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
