package netpoll

// notices are events that come from the poller itself. They come before those
// from the kernel.
type notices struct {
	list []notice
	at   int
}

type notice struct {
	kind Kind
	key  Key
	err  error
}

func (q *notices) empty() bool { return q.at == len(q.list) }

func (q *notices) push(n notice) { q.list = append(q.list, n) }

// pop is called when the queue is not empty.
func (q *notices) pop() notice {
	n := q.list[q.at]
	q.at++
	if q.at == len(q.list) {
		clear(q.list)
		q.list, q.at = q.list[:0], 0
	}
	return n
}
