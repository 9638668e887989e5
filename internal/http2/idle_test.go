package http2

// Idle reports whether nothing is under way, and nothing waits to be sent.
func (c *Conn) Idle() bool {
	return c.held == 0 && len(c.out) == 0 && len(c.streams) == 0 && c.block.stream == 0
}
