package transport

import (
	"context"
	"crypto/tls"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// Calls that nobody waits for any more are bounded too.
func TestCallsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, calls := make(chan struct{}), make(chan struct{}, 10)
		c := &certCalls{slots: make(chan struct{}, 2), get: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			calls <- struct{}{}
			<-release
			return &tls.Certificate{}, nil
		}}
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := c.wait(ctx, nil)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			cancel()
		}
		assert.Equal(t, len(calls), 2)
		close(release)
		cert, err := c.wait(t.Context(), nil)
		assert.NoError(t, err)
		assert.Equal(t, cert != nil, true)
	})
}
