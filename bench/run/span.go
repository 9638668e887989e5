package main

import "github.com/tako-go/tako/bench/internal/proc"

// span is what a process uses during a load. A load that has to prepare something begins it
// again, and one that has something to clear away ends it before. A nil span is none.
type span struct {
	pid           int
	before, after proc.Usage
	ended         bool
}

func (s *span) begin() (err error) {
	if s != nil {
		s.before, err = proc.ReadUsage(s.pid)
	}
	return err
}

func (s *span) end() (err error) {
	if s != nil && !s.ended {
		s.ended = true
		s.after, err = proc.ReadUsage(s.pid)
	}
	return err
}

func (s *span) used() proc.Usage { return s.after.Since(s.before) }
