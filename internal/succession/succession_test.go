package succession

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

func TestGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		assert.Equal(t, Grace(t.Context()), 0)
		after := With(t.Context(), 5*time.Second)
		assert.Equal(t, Grace(after), 5*time.Second)
		for left, want := range map[time.Duration]time.Duration{time.Minute: 5 * time.Second, 4 * time.Second: 2 * time.Second, -time.Second: 0} {
			ctx, cancel := context.WithTimeout(after, left)
			assert.Equal(t, Grace(ctx), want, left)
			cancel()
		}
	})
}
