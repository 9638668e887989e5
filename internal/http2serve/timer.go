package http2serve

import "time"

// onTimer is called when something may have taken too long.
func (l *Link) onTimer() {
	l.conn.mu.Lock()
	l.timerAt = 0
	l.conn.mu.Unlock()
	l.check()
}

// check ends what has taken too long and sets the timer for the next look.
func (l *Link) check() {
	now := l.srv.Now()
	next := l.conn.Check(now)
	c := &l.conn
	c.mu.Lock()
	ended := c.eng.Err() != nil
	if next = l.soon(now, next); !ended && next != 0 {
		l.timerAt = next
		l.timer.Reset(time.Duration(next-now) * time.Millisecond)
	}
	c.mu.Unlock()
	l.send()
	if ended {
		c.mu.Lock()
		l.wakeLeader()
		c.mu.Unlock()
	}
}

// soon bounds the time to the next look while anything is under way, because what comes
// meanwhile may be due earlier, as a response that has begun. It is called under the lock.
func (l *Link) soon(now, next int64) int64 {
	if by := now + l.srv.tick; (l.conn.eng.Streams() > 0 || l.conn.partialAt != 0) && (next == 0 || next > by) {
		next = by
	}
	if next == 0 {
		return 0
	}
	return max(next, now+1)
}

// rearm sees to it that what has just come is looked at in time.
func (l *Link) rearm() {
	c := &l.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	now := l.srv.Now()
	if by := now + l.srv.tick; l.timerAt == 0 || l.timerAt > by+l.srv.tick {
		l.timerAt = by
		l.timer.Reset(time.Duration(l.srv.tick) * time.Millisecond)
	}
}
