package loop

func (c *conn) socketHost() socketHost { return c }

// switchOver makes a connection the socket that its handler has made of it. out is still to be
// sent, and received was not served. It returns memory that can be written to.
func (l *loop) switchOver(c *conn, out, received []byte) (free []byte) {
	s := c.up
	c.connInfo() // functions may ask when the descriptor is another's
	c.sock, c.up, c.in, c.rest, c.scanned, c.back = s, nil, received, nil, 0, goOn
	c.phase = phaseSocket
	l.wheel.set(c, l.after(l.idleOf(s)))
	if !l.poll(c) {
		return out[:0]
	}
	if free = out; len(out) > 0 {
		free = l.transmit(c, out)
	}
	if s.ending != lives {
		l.reset(c)
		return free
	}
	if !s.over {
		l.turnLater(c)
	}
	return free
}
