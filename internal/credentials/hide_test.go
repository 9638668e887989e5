package credentials

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestHide(t *testing.T) {
	hidden := errors.New("hidden")
	err := fmt.Errorf("read: %w: %w", &fs.PathError{Op: "open", Path: "x", Err: io.EOF}, hidden)
	got := fmt.Errorf("%w", Hide(err, hidden))
	assert.Equal(t, got.Error(), err.Error())
	assert.Equal(t, errors.Is(got, hidden), false, "the hidden error")
	assert.Equal(t, errors.Is(got, io.EOF), true, "another error")
	var path *fs.PathError
	assert.Equal(t, errors.As(got, &path), true, "a type")
	assert.Equal(t, Hide(io.EOF, hidden), io.EOF)
	assert.Equal(t, Hide(nil, hidden), nil)
}
