package http2serve_test

import (
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

// A connection ends with the last handler also if that has nothing to send any more.
func TestDrainBehindReset(t *testing.T) {
	over(t, allTargets, func(t *testing.T, k target) {
		took := time.Duration(0)
		for range 3 { // on a machine that has other things to do too
			if took = drainBehindReset(t, k); took < 900*time.Millisecond {
				return
			}
		}
		t.Errorf("took %v", took)
	})
}

// drainBehindReset tells how long the drain takes.
func drainBehindReset(t *testing.T, k target) time.Duration {
	app, entered, release := held()
	s := k.serve(t, app, config{})
	c := s.framed(t).settled()
	c.get(1, "/wait")
	await(t, "the handler", entered)
	began := time.Now()
	result := s.shutdown(t)
	c.until("the last GOAWAY", func() bool { return len(c.goAways) == 2 })
	assert.NoError(t, c.fr.WriteRSTStream(1, http2.ErrCodeCancel))
	c.alive()
	close(release)
	assert.Equal(t, c.ended(), int(http2.ErrCodeNo))
	_ = c.Close()
	assert.Equal(t, await(t, "the report", result).Cut, 0, "cut")
	return time.Since(began)
}
