package h3_test

import (
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// lasting is an upload that keeps a generation from ending.
type lasting struct {
	g      *generation
	client *raw
	str    *quic.Stream
	ended  chan tako.Report
}

// holds begins an upload.
func holds(t *testing.T, g *generation) *lasting {
	t.Helper()
	h := &lasting{g: g, client: dialRaw(t, g), ended: make(chan tako.Report, 1)}
	h.str = h.client.open(ask("POST", "/echo"), frame(frameData, 'a'))
	<-g.entered
	return h
}

// drains lets the generation end, which waits for the upload.
func (h *lasting) drains(t *testing.T) {
	ctx := within(t)
	go func() {
		report, err := h.g.Shutdown(ctx)
		assert.NoError(t, err)
		h.ended <- report
	}()
}

// finishes ends the upload, and the generation.
func (h *lasting) finishes(t *testing.T, want string) {
	t.Helper()
	_, err := h.str.Write(frame(frameData, 'b'))
	assert.NoError(t, err)
	assert.NoError(t, h.str.Close())
	close(h.g.gate)
	a := read(t, h.str)
	assert.NoError(t, a.err)
	assert.Equal(t, a.body, want)
	report := <-h.ended
	assert.Equal(t, report.Cut, 0)
}

// One that drains for long gets what is for it through all who follow, whichever of them have
// ended, and takes nothing of theirs.
func TestYieldChain(t *testing.T) {
	t.Parallel()
	first := newGeneration(t, "first")
	assert.NoError(t, first.Listen(t.Context()))
	first.serve()
	h := holds(t, first)
	last := first
	for _, name := range []string{"second", "third", "fourth"} {
		next := newGeneration(t, name)
		follow(t, last, next)
		if last == first {
			h.drains(t)
		} else {
			_, err := last.Shutdown(within(t))
			assert.NoError(t, err)
		}
		last = next
		for range 10 {
			assert.Equal(t, dialRaw(t, last).request(ask("GET", "/")).body, name)
		}
		_, err := h.str.Write(frame(frameData, 'x'))
		assert.NoError(t, err)
	}
	h.finishes(t, "axxxb")
	assert.Equal(t, dialRaw(t, last).request(ask("GET", "/")).body, "fourth")
}

// The last one alive reads the socket, whoever it is.
func TestYieldChainEnds(t *testing.T) {
	t.Parallel()
	first, second, third := newGeneration(t, "first"), newGeneration(t, "second"), newGeneration(t, "third")
	assert.NoError(t, first.Listen(t.Context()))
	first.serve()
	oldest := holds(t, first)
	follow(t, first, second)
	oldest.drains(t)
	middle := holds(t, second)
	follow(t, second, third)
	middle.drains(t)
	_, err := third.Shutdown(within(t))
	assert.NoError(t, err)
	middle.finishes(t, "ab")
	oldest.finishes(t, "ab")
}

// Processes that have ended are forgotten, however many there were.
func TestYieldManyTimes(t *testing.T) {
	t.Parallel()
	g := newGeneration(t, "0")
	assert.NoError(t, g.Listen(t.Context()))
	g.serve()
	for range 50 {
		next := newGeneration(t, "next")
		follow(t, g, next)
		_, err := g.Shutdown(over())
		assert.NoError(t, err)
		g = next
	}
	files, _, err := g.Yield()
	assert.NoError(t, err)
	defer closeFiles(files)
	assert.Equal(t, len(files), 3) // those of one process
	assert.Equal(t, dialRaw(t, g).request(ask("GET", "/")).body, "next")
}
