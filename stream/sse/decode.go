package sse

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// maxReceived bounds an event that is read.
const maxReceived = 1 << 20

// ErrTooLarge is the error of an event of more than 1 MiB that is read.
var ErrTooLarge = errors.New("sse: the event is too large")

var _ tako.ResponseDecoder = (*Stream[string])(nil)

// DecodeResponse lets the caller of [tako.Route.Do] read the events: Events yields them until the
// response ends, and is used once; Stop closes the response. It does not connect again. Each
// event has the last ID that was sent, and the last Retry since the one before; comments are left
// out. Empty data, as that of [ResetEvent], is the zero T.
func (st *Stream[T]) DecodeResponse(resp *http.Response, _ func(any) error) error {
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || media != "text/event-stream" {
		return fmt.Errorf("sse: the response is of type %q", resp.Header.Get("Content-Type"))
	}
	body := resp.Body
	resp.Body = http.NoBody
	st.Stop = func() { _ = body.Close() }
	st.Events = read[T](body)
	return nil
}

// read yields the events of a stream, and why it has ended if that is not its end. It closes body.
func read[T any](body io.ReadCloser) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		defer body.Close()
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, maxReceived)
		lines.Split(splitLines())
		var got block
		for first := true; lines.Scan(); first = false {
			line := lines.Bytes()
			if first {
				line = bytes.TrimPrefix(line, []byte("\ufeff"))
			}
			if len(line) > 0 {
				if got.add(line); len(got.data) > maxReceived {
					yield(Event[T]{}, ErrTooLarge)
					return
				}
				continue
			}
			if !got.some {
				got = block{id: got.id, retry: got.retry}
				continue
			}
			e, err := decodeBlock[T](&got)
			if !yield(e, err) || err != nil {
				return
			}
			got = block{id: got.id}
		}
		err := lines.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = ErrTooLarge
		}
		if err != nil {
			yield(Event[T]{}, fmt.Errorf("read events: %w", err))
		}
	}
}

// splitLines splits at LF, CR and CRLF, without waiting for what follows a CR. A line without an
// end is lost.
func splitLines() bufio.SplitFunc {
	behindCR := false
	return func(p []byte, atEOF bool) (int, []byte, error) {
		skip := 0
		if behindCR && len(p) > 0 {
			if behindCR = false; p[0] == '\n' {
				skip = 1
			}
		}
		i := bytes.IndexAny(p[skip:], "\r\n")
		switch {
		case i >= 0:
			behindCR = p[skip+i] == '\r'
			return skip + i + 1, p[skip : skip+i], nil
		case atEOF:
			return len(p), nil, nil
		}
		return skip, nil, nil
	}
}

// block is what stands between two blank lines.
type block struct {
	name, id string
	data     []byte
	some     bool // there is data
	retry    time.Duration
}

func (b *block) add(line []byte) {
	name, value, _ := strings.Cut(string(line), ":")
	value = strings.TrimPrefix(value, " ")
	switch name {
	case "event":
		b.name = value
	case "data":
		if b.some {
			b.data = append(b.data, '\n')
		}
		b.data, b.some = append(b.data, value...), true
	case "id":
		if !strings.Contains(value, "\x00") {
			b.id = value
		}
	case "retry":
		if ms, err := strconv.ParseUint(value, 10, 40); err == nil {
			b.retry = time.Duration(ms) * time.Millisecond
		}
	}
}

func decodeBlock[T any](b *block) (Event[T], error) {
	e := Event[T]{ID: b.id, Name: b.name, Retry: b.retry}
	if text, ok := any(&e.Data).(*string); ok {
		*text = string(b.data)
		return e, nil
	}
	if len(b.data) == 0 { // as ResetEvent
		return e, nil
	}
	if err := json.Unmarshal(b.data, &e.Data); err != nil {
		return e, fmt.Errorf("decode event: %w", err)
	}
	return e, nil
}
