package ws

import "github.com/tako-go/tako/internal/wsframe"

// backlog is what was sent while a Writer is open, and goes out behind its message.
type backlog struct {
	messages []delayed
	bytes    int // of all
	own      int // of those that are held for this socket alone
}

// delayed is a message for many, or one that has a copy of its own.
type delayed struct {
	shared *Prepared
	typ    Type
	data   []byte
}

func (b *backlog) push(m delayed) {
	b.messages = append(b.messages, m)
	b.bytes += m.size()
	b.own += len(m.data)
}

func (m delayed) size() int {
	if m.shared != nil {
		return len(m.shared.Data())
	}
	return len(m.data)
}

// shared counts the messages for many.
func (b *backlog) shared() (n int) {
	for _, m := range b.messages {
		if m.shared != nil {
			n++
		}
	}
	return n
}

// dropOldest removes the message for many that has waited longest.
func (b *backlog) dropOldest() {
	for i, m := range b.messages {
		if m.shared != nil {
			copy(b.messages[i:], b.messages[i+1:])
			b.messages[len(b.messages)-1] = delayed{}
			b.messages = b.messages[:len(b.messages)-1]
			b.bytes -= m.size()
			return
		}
	}
}

// behindWriter is what has to wait for a Writer, nil in the form of events. It has the lock.
func (c *Conn) behindWriter() *backlog {
	if c.b == nil {
		return nil
	}
	return &c.b.later
}

// dropBehindWriter drops what waits for a Writer, and returns how many messages for many and
// how many others that were. It has the lock.
func (c *Conn) dropBehindWriter() (shared, own int) {
	later := c.behindWriter()
	if later == nil {
		return 0, 0
	}
	shared = later.shared()
	own = len(later.messages) - shared
	*later = backlog{}
	return shared, own
}

// writerDone queues what had to wait for a Writer. It has the lock.
func (c *Conn) writerDone() {
	c.state &^= stateParts
	later := c.b.later
	c.b.later = backlog{}
	for _, m := range later.messages {
		if m.shared != nil {
			c.share(m.shared)
		} else {
			c.queue(m.typ, m.data)
		}
	}
	c.wakeWriters()
}

// queue puts a message behind what waits. It has the lock.
func (c *Conn) queue(typ Type, p []byte) {
	c.out.append(wsframe.MaxHeader+len(p), 1, func(dst []byte) []byte {
		return c.send.AppendMessage(dst, wsframe.Opcode(typ), p)
	})
	c.side.cfg.Meter.messagesOut.Add(1)
}

// fits reports whether a message of n bytes has room; if nothing else waits it has. It has the
// lock.
func (c *Conn) fits(n int) bool {
	waits, most := c.out.bytes, c.side.cfg.Queue
	if later := c.behindWriter(); later != nil {
		waits += later.bytes
	}
	return waits == 0 || most < 0 || n <= most-waits
}
