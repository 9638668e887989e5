package main

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tako-go/tako"
)

// maxReefs bounds what is kept: the oldest goes.
const maxReefs = 1000

// store holds the reefs that were added, in the order of their numbers.
type store struct {
	mu   sync.Mutex
	all  []reef
	last int64
}

func (s *store) list(_ context.Context, in listReefs) ([]reef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []reef
	for _, r := range s.all {
		if len(found) < in.Limit && (len(in.Kinds) == 0 || slices.Contains(in.Kinds, r.Kind)) {
			found = append(found, r)
		}
	}
	return found, nil
}

func (s *store) get(_ context.Context, in byID) (reef, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.IndexFunc(s.all, func(r reef) bool { return r.ID == in.ID }); i >= 0 {
		return s.all[i], nil
	}
	return reef{}, errNoReef
}

func (s *store) add(_ context.Context, in tako.JSON[reef]) (tako.Created[reef], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.all, func(r reef) bool { return r.Name == in.Value.Name }) {
		return tako.Created[reef]{}, errTaken
	}
	s.last++
	in.Value.ID = s.last
	s.all = append(s.all, in.Value)
	if len(s.all) > maxReefs {
		s.all = slices.Delete(s.all, 0, 1)
	}
	return tako.Created[reef]{Location: fmt.Sprint("/reefs/", s.last), Body: in.Value}, nil
}
