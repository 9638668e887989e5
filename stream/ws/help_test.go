package ws_test

import (
	"context"
	"testing"

	"github.com/tako-go/tako/stream/ws"
)

// ping sends a ping while somebody reads, and takes that back.
func ping(t testing.TB, c *ws.Conn) error {
	reading, stop := context.WithCancel(within(t))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = c.Read(reading)
	}()
	err := c.Ping(within(t))
	stop()
	<-done
	return err
}
