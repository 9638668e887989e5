package sse

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako"
)

// ErrEvent is in the errors about events that cannot be sent as they are: a Name or ID that is
// not UTF-8 or has CR, LF or NUL, an ID that has other control characters or is longer than
// Config.MaxID, or a negative Retry. Nothing of them was sent.
var ErrEvent = errors.New("sse: invalid event")

// Event is one event. Whatever its fields hold, a client gets exactly one event of it, or there is
// an error.
type Event[T any] struct {
	// ID is what the client sends as Last-Event-ID when it connects again; "" leaves the last
	// one as it is. Control characters but tabs, more than Config.MaxID bytes and text that is
	// not UTF-8 are errors: no client could connect again with them. Clients lose spaces at
	// its ends.
	ID string
	// Name is the type of the event that listeners are registered for, "" for "message". CR,
	// LF, NUL and text that is not UTF-8 are errors.
	Name string
	// Data is what the event carries: a string as it is, with CR and CRLF as LF, anything else
	// as JSON. Bytes of a string that are no UTF-8 are U+FFFD to the client.
	Data T
	// Retry is how long the client is to wait before it connects again, to the millisecond; 0
	// says nothing.
	Retry time.Duration
	// Comment is sent before the event. Clients ignore it.
	Comment string
}

// appendEvent appends e as it is sent; with an error buf is as it was. maxID is Config.MaxID.
func appendEvent[T any](buf []byte, e *Event[T], maxID int) ([]byte, error) {
	if err := e.check(maxID); err != nil {
		return buf, err
	}
	out := buf
	if e.Comment != "" {
		out = appendComment(out, e.Comment)
	}
	if e.Name != "" {
		out = appendField(out, "event", e.Name)
	}
	if e.ID != "" {
		out = appendField(out, "id", e.ID)
	}
	if e.Retry > 0 {
		out = appendRetry(out, e.Retry)
	}
	if text, ok := any(e.Data).(string); ok {
		return append(appendData(out, text), '\n'), nil
	}
	out = append(out, "data: "...)
	start := len(out)
	json := bytes.NewBuffer(out)
	if err := (tako.JSONCodec{}).Encode(json, &e.Data); err != nil {
		return buf, fmt.Errorf("encode event: %w", err)
	}
	out = json.Bytes()
	if bytes.ContainsAny(out[start:], "\r\n") { // JSON that was made elsewhere
		text := string(out[start:])
		out = appendData(out[:start-len("data: ")], text)
		return append(out, '\n'), nil
	}
	return append(out, "\n\n"...), nil
}

func (e *Event[T]) check(maxID int) error {
	switch {
	case !plain(e.Name):
		return fmt.Errorf("%w: name %q", ErrEvent, e.Name)
	case maxID >= 0 && len(e.ID) > maxID:
		return fmt.Errorf("%w: id of %d bytes, more than %d", ErrEvent, len(e.ID), maxID)
	case !plain(e.ID) || strings.ContainsFunc(e.ID, control):
		return fmt.Errorf("%w: id %q", ErrEvent, e.ID)
	case e.Retry < 0:
		return fmt.Errorf("%w: retry %v", ErrEvent, e.Retry)
	}
	return nil
}

// plain reports whether a client gets s back as it is from a line of its own.
func plain(s string) bool { return !strings.ContainsAny(s, "\r\n\x00") && utf8.ValidString(s) }

// control reports whether no header field may have r, not even Last-Event-ID.
func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func appendField(out []byte, name, value string) []byte {
	out = append(out, name...)
	out = append(out, ": "...)
	out = append(out, value...)
	return append(out, '\n')
}

// appendRetry rounds up, so that no time becomes none.
func appendRetry(out []byte, d time.Duration) []byte {
	ms := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 {
		ms++
	}
	out = append(out, "retry: "...)
	out = strconv.AppendInt(out, ms, 10)
	return append(out, '\n')
}

// appendData gives each line of text a field of its own, an empty text too: without one there
// would be no event.
func appendData(out []byte, text string) []byte { return appendLines(out, "data: ", text) }

func appendComment(out []byte, text string) []byte { return appendLines(out, ": ", text) }

func appendLines(out []byte, prefix, text string) []byte {
	for {
		i := strings.IndexAny(text, "\r\n")
		out = append(out, prefix...)
		if i < 0 {
			out = append(out, text...)
			return append(out, '\n')
		}
		out = append(out, text[:i]...)
		out = append(out, '\n')
		if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
			i++
		}
		text = text[i+1:]
	}
}

// LastEventID returns the ID of the last event that the client has got, byte for byte as it was
// sent, "" if it has none. It is what a client says: check it before use.
func LastEventID(c *tako.Context) string { return c.RequestHeader("Last-Event-ID") }
