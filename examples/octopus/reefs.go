package main

import (
	"context"
	"unicode/utf8"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
)

type byReef struct {
	Reef string `path:"reef" doc:"name of a reef"`
}

type newReef struct {
	Name  string `json:"name"`
	Topic string `json:"topic"`
}

// Validate checks a new reef.
func (n newReef) Validate(context.Context) error {
	var faults faults
	faults.check(validName.MatchString(n.Name), "/name", "must be 2 to 24 of a-z, 0-9, - and _, a letter first")
	faults.check(utf8.RuneCountInString(n.Topic) <= 120, "/topic", "must have at most 120 characters")
	return faults.err()
}

func (s *service) listReefs(context.Context, struct{}) ([]reef.Reef, error) {
	return s.reefs.List(), nil
}

func (s *service) getReef(_ context.Context, in byReef) (reef.Reef, error) {
	return s.reefs.Get(in.Reef)
}

func (s *service) createReef(_ context.Context, in struct {
	Me   principal
	Body newReef
}) (r tako.Created[reef.Reef], err error) {
	if r.Body, err = s.reefs.Create(in.Body.Name, in.Body.Topic, in.Me.Name); err != nil {
		return r, err
	}
	r.Location, err = s.reefAt.URL(byReef{in.Body.Name})
	return r, err
}

func (s *service) addReefs(api, members *tako.Router) {
	tag := tako.Tags("reefs")
	tako.Get(api, "/reefs", s.listReefs, tag, tako.Summary("All reefs"))
	s.reefAt = tako.Get(api, "/reefs/{reef}", s.getReef, tag, tako.Summary("One reef"))
	tako.Post(members, "/reefs", s.createReef, tag, tako.Summary("Found a reef"))
}
