package live

import (
	"bytes"
	"fmt"
	"strconv"
)

// NoteSize is the length of a message that goes to all.
const NoteSize = 64

// filler is what a note has behind its number.
var filler = bytes.Repeat([]byte("octopus "), NoteSize/8)[:NoteSize-16]

// note is the message with a number, in plain text without line ends.
func note(number uint64) []byte {
	return append(fmt.Appendf(nil, "%016x", number), filler...)
}

// parseNote returns the number.
func parseNote(p []byte) (uint64, error) {
	if len(p) != NoteSize || !bytes.Equal(p[16:], filler) {
		return 0, fmt.Errorf("got %.80q, no message that was sent", p)
	}
	return strconv.ParseUint(string(p[:16]), 16, 64)
}
