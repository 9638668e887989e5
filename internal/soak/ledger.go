package soak

import "sync"

// loose marks the numbers of clients that do not wait for their answers.
const loose = 1 << 62

// ledger knows what became of each numbered request that is not settled yet.
type ledger struct {
	shards [16]struct {
		sync.Mutex
		open map[uint64]state
		_    [40]byte
	}
}

type state uint8

const (
	sent state = iota
	begun
	lost // the client has given up without an answer
)

// tooLate is wrong unless the connection was cut.
const tooLate = "a request was served after its client was turned away"

func newLedger() *ledger {
	l := &ledger{}
	for i := range l.shards {
		l.shards[i].open = map[uint64]state{}
	}
	return l
}

// send is called before a client sends request n.
func (l *ledger) send(n uint64) {
	s := &l.shards[n%16]
	s.Lock()
	s.open[n] = sent
	s.Unlock()
}

// begin is called by the handler. It returns what is wrong, "" if nothing is.
func (l *ledger) begin(n uint64) string {
	if n&loose != 0 {
		return ""
	}
	s := &l.shards[n%16]
	s.Lock()
	defer s.Unlock()
	old, known := s.open[n]
	s.open[n] = begun
	switch {
	case !known:
		delete(s.open, n)
		return "a request was served that nobody has sent, or was answered already"
	case old == begun:
		return "a request was served twice"
	case old == lost:
		s.open[n] = lost
		return tooLate
	}
	return ""
}

// answer is called when the answer has come. It returns what is wrong.
func (l *ledger) answer(n uint64) string {
	s := &l.shards[n%16]
	s.Lock()
	defer s.Unlock()
	old := s.open[n]
	delete(s.open, n)
	if old != begun {
		return "an answer came that no handler gave"
	}
	return ""
}

// forget drops a request about which something was reported already.
func (l *ledger) forget(n uint64) {
	s := &l.shards[n%16]
	s.Lock()
	s.open[n] = lost
	s.Unlock()
}

// lose is called when the connection has ended without an answer.
func (l *ledger) lose(n uint64) string {
	s := &l.shards[n%16]
	s.Lock()
	defer s.Unlock()
	if s.open[n] == begun {
		delete(s.open, n)
		return "a request was served and its answer lost"
	}
	s.open[n] = lost
	return ""
}
