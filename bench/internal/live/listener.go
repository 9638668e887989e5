package live

import "fmt"

// Note is a message with a number, from 1.
func Note(number uint64) []byte { return note(number) }

// Listener takes apart what comes over one WebSocket to which nothing but notes is sent, some
// of which may be missing.
type Listener struct {
	// Got counts the notes, Last is the number of the last one.
	Got  int64
	Last uint64

	in frames
}

// Feed takes what was read. The error is about a note that is none, or that comes late.
func (l *Listener) Feed(p []byte) error {
	return l.in.feed(p, func(message []byte) error {
		number, err := parseNote(message)
		if err == nil && number <= l.Last {
			err = fmt.Errorf("note %d came after note %d", number, l.Last)
		}
		if err != nil {
			return err
		}
		l.Got++
		l.Last = number
		return nil
	})
}
