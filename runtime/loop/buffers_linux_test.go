package loop

import (
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// A burst of large responses does not leave its memory with the loop.
func TestBuffersBounded(t *testing.T) {
	t.Parallel()
	l := new(loop)
	for range 2 * maxBuffers {
		l.recycle(make([]byte, 10, maxGathered))
	}
	assert.Equal(t, len(l.buffers), maxSpare/maxGathered)
	assert.Equal(t, len(l.buffer()), 0)
	l.recycle(make([]byte, maxGathered))
	l.recycle(make([]byte, maxGathered))
	assert.Equal(t, len(l.buffers), maxSpare/maxGathered, "one was taken, one came back")
	for range maxSpare / maxGathered {
		_ = l.buffer()
	}
	for range 2 * maxBuffers {
		l.recycle(make([]byte, leastBuffer))
	}
	assert.Equal(t, len(l.buffers), maxBuffers)
	l.recycle(make([]byte, leastBuffer-1))
	l.recycle(make([]byte, 2*maxGathered))
	assert.Equal(t, len(l.buffers), maxBuffers)
}
