package main

import (
	"context"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
)

type byReef struct {
	Reef string `path:"reef" doc:"name of a reef" example:"lagoon"`
}

type newReef struct {
	Name  string `json:"name" required:"true" pattern:"^[a-z][a-z0-9_-]{1,23}$" doc:"2 to 24 of a-z, 0-9, - and _, a letter first" example:"atoll"`
	Topic string `json:"topic" maxLength:"120" example:"a ring of coral"`
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

func (s *service) addReefs(api *tako.Router) {
	tag := tako.Tags("reefs")
	tako.Get(api, "/reefs", s.listReefs, tag, tako.Name("listReefs"), tako.Summary("All reefs"),
		tako.Describe("In the order in which they were founded."))
	s.reefAt = tako.Get(api, "/reefs/{reef}", s.getReef, tag, tako.Name("getReef"), tako.Summary("One reef"),
		tako.Describe("A reef and how much is in it."), throws(reef.ErrNoReef))
	tako.Post(api, "/reefs", s.createReef, tag, tako.Name("foundReef"), tako.Summary("Found a reef"),
		tako.Describe("Makes a reef in which everybody may write."), tako.Example(newReef{"atoll", "a ring of coral"}), throws(reef.ErrTaken, reef.ErrFull))
}
