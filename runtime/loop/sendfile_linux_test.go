package loop

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// A loop is not taken away while a file is copied, and stays lost if it was before.
func TestSendfileUnwatched(t *testing.T) {
	t.Parallel()
	l := &loop{reactor: new(reactor)}
	w := &worker{l: l, leads: true}
	w.seq = l.state.Add(1)
	takenAway := func() bool {
		state := l.state.Load()
		return state&1 != 0 && l.state.CompareAndSwap(state, state+1)
	}

	ran := 0
	w.unwatched(func() { ran++; assert.Equal(t, takenAway(), false, "taken away in the middle") })
	assert.Equal(t, l.state.Load(), w.seq, "state behind it")
	assert.Equal(t, w.seq&1, 1, "a handler runs again")

	assert.Equal(t, takenAway(), true, "taken away later")
	lost := l.state.Load()
	w.unwatched(func() { ran++ })
	assert.Equal(t, l.state.Load(), lost, "state of a loop that others lead")

	(*worker)(nil).unwatched(func() { ran++ })
	assert.Equal(t, ran, 3, "calls")
}

// What a file has not got is not in memory.
func TestSendfileCached(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	assert.NoError(t, os.WriteFile(name, make([]byte, 3*filePiece), 0o600))
	f, err := os.Open(name)
	assert.NoError(t, err)
	defer f.Close()
	_, err = f.ReadAt(make([]byte, 1), 3*filePiece-1)
	assert.NoError(t, err)
	if !(filePart{f, 2 * filePiece, filePiece}).cached() {
		t.Skip("the file system does not tell")
	}
	assert.Equal(t, filePart{f, 2*filePiece + 1, filePiece}.cached(), false, "behind the end")
	assert.Equal(t, filePart{f, 2*filePiece + 1, filePiece}.from(1).n, int64(filePiece-1), "what is left")
}
