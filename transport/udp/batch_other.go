//go:build !linux

package udp

type rawPacket struct{}

// newBatchReader returns nil: there are no batches.
func newBatchReader(*socket, int) reader { return nil }
