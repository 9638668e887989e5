package netpoll

// sending is what is left of a Send. fd and generation tell whose it is.
type sending struct {
	rest       []byte
	fd         int32
	generation uint32
	next       int32
}

// sends holds the pending ones, and what they send reachable. Index 0 is none.
type sends struct {
	all  []sending
	free int32
}

func (s *sends) take(p []byte, fd int, generation uint32) int32 {
	i := s.free
	if i == 0 {
		if len(s.all) == 0 {
			s.all = append(s.all, sending{})
		}
		i = int32(len(s.all))
		s.all = append(s.all, sending{})
	} else {
		s.free = s.all[i].next
	}
	op := &s.all[i]
	op.rest, op.fd, op.generation = p, int32(fd), generation
	return i
}

func (s *sends) put(i int32) {
	op := &s.all[i]
	op.rest = nil
	op.next, s.free = s.free, i
}
