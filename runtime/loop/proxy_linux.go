package loop

// introduce looks for the PROXY header at the beginning of c, and goes on with what is
// behind it.
func (l *loop) introduce(w *worker, c *conn, data []byte) (robbed bool) {
	own := len(c.in) > 0
	if own {
		data = append(c.in, data...)
	}
	info, n, done, err := l.srv.gate.Look(data, c.connInfo())
	switch {
	case err != nil:
		l.srv.mistaken(c.connInfo(), err)
		l.close(c)
		return false
	case !done:
		c.in = kept(data, own)
		c.scanned = len(c.in)
		l.poll(c)
		return false
	}
	c.in, c.scanned, c.intro = nil, 0, false
	if !l.srv.known(&c.peer, info) {
		l.close(c)
		return false
	}
	rest := data[n:]
	if l.srv.tls != nil {
		c.in = kept(rest, own)
		l.leave(c, l.reactor.shake)
		return false
	}
	if l.srv.raw != nil {
		c.in = kept(rest, own)
		l.beginSocket(c)
		return false
	}
	l.wheel.set(c, l.after(l.srv.limits.HeaderTimeout))
	if len(rest) > 0 {
		return w.serve(c, rest, own)
	}
	l.poll(c)
	return false
}

// introduceEnd makes a socket of a connection that has ended with what may have become a
// PROXY header, and did not have to.
func (l *loop) introduceEnd(c *conn) {
	if l.srv.raw == nil || !l.srv.gate.Plain(c.in) {
		return
	}
	c.intro, c.scanned = false, 0
	if l.srv.known(&c.peer, c.connInfo()) {
		l.beginSocket(c)
	}
}
