package drainonce

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

func TestBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		takes, want time.Duration
		inTime      bool
	}{
		"at once":       {0, 0, true},
		"while ctx":     {time.Second, time.Second, true},
		"in the grace":  {62 * time.Second, 62 * time.Second, true},
		"behind it all": {time.Hour, 65 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				over := make(chan struct{})
				defer close(over)
				assert.Equal(t, Bounded(ctx, 5*time.Second, func() {
					select {
					case <-time.After(tt.takes):
					case <-over:
					}
				}), tt.inTime)
				assert.Equal(t, time.Since(began), tt.want)
			})
		})
	}
}
