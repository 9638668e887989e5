package http2

// What clients may do for nothing is bounded: a budget that time and useful work fill
// up again.
const (
	resetRate   = 50 // a second
	controlRate = 200
)

type budget struct {
	left, most int
	rate       int
	at         int64 // when time has filled it last
}

// spend takes one and returns false if there was none.
func (b *budget) spend(now int64) bool {
	if b.left == 0 {
		b.fill(now)
	}
	if b.left == 0 {
		return false
	}
	b.left--
	return true
}

func (b *budget) fill(now int64) {
	n := (now - b.at) * int64(b.rate) / 1000
	if n > 0 {
		b.at = now
		b.left = int(min(int64(b.left)+n, int64(b.most)))
	}
}

// earn gives n back.
func (b *budget) earn(n int) { b.left = min(b.left+n, b.most) }

// control counts a frame that carries nothing.
func (c *Conn) control() {
	if !c.controls.spend(c.now) {
		c.fail(EnhanceYourCalm, "too many frames that carry nothing")
	}
}

// owed reports whether a WINDOW_UPDATE gives back what was sent, and not in tiny pieces.
func (c *Conn) owed(n int64) bool {
	if n < leastUpdate || c.unreturned < n {
		return false
	}
	c.unreturned -= n
	return true
}

// leastUpdate is the least that is worth a frame of its own.
const leastUpdate = 512

// glitch counts a stream that ended before it was answered, for a reason that the client
// has given.
func (c *Conn) glitch() {
	if !c.resets.spend(c.now) {
		c.fail(EnhanceYourCalm, "too many streams that were reset")
	}
}
