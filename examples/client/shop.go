package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

// token is what the service accepts.
const token = "for-clerks-only"

// shop is the operations of a service. Service and client share it, as a package.
type shop struct {
	list tako.Route[listShells, []shell]
	get  tako.Route[byID, shell]
	add  tako.Route[newShell, tako.Created[shell]]
}

type shell struct {
	ID    int64  `json:"id"`
	Name  string `json:"name" required:"true" minLength:"1"`
	Cents int    `json:"cents" required:"true" minimum:"1"`
}

type byID struct {
	ID int64 `path:"id"`
}

type listShells struct {
	Names []string `query:"name"`
	Limit int      `query:"limit" minimum:"0" maximum:"50" doc:"10 if 0"`
}

type newShell struct {
	By   extract.Bearer
	Body shell
}

var (
	errNoShell = &tako.Error{Status: http.StatusNotFound, Type: "/problems/no-shell", Title: "There is no such shell"}
	errTwice   = &tako.Error{Status: http.StatusConflict, Type: "/problems/twice", Title: "There is a shell of this name"}
	errToken   = errors.New("not the token of a clerk")
)

// newShop registers the operations. A program that only calls them has no stock.
func newShop(r *tako.Router, s *stock) (o shop) {
	o.list = tako.Get(r, "/shells", s.list)
	o.get = tako.Get(r, "/shells/{id}", s.get, tako.Throws(errNoShell))
	o.add = tako.Post(r, "/shells", func(_ context.Context, in newShell) (c tako.Created[shell], err error) {
		if !extract.Equal(in.By.Token, token) {
			return c, in.By.Refuse(errToken)
		}
		if c.Body, err = s.add(in.Body); err != nil {
			return c, err
		}
		c.Location, err = o.get.URL(byID{c.Body.ID})
		return c, err
	}, tako.Throws(errTwice))
	return o
}

// stock is the shells that are there.
type stock struct {
	mu     sync.Mutex
	shells []shell
}

func (s *stock) list(_ context.Context, in listShells) (found []shell, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.shells {
		if len(found) < cmp.Or(in.Limit, 10) && (len(in.Names) == 0 || slices.Contains(in.Names, one.Name)) {
			found = append(found, one)
		}
	}
	return found, nil
}

func (s *stock) get(_ context.Context, in byID) (shell, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.ID < 1 || in.ID > int64(len(s.shells)) {
		return shell{}, errNoShell
	}
	return s.shells[in.ID-1], nil
}

func (s *stock) add(one shell) (shell, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.shells, func(have shell) bool { return have.Name == one.Name }) {
		return shell{}, errTwice
	}
	one.ID = int64(len(s.shells)) + 1
	s.shells = append(s.shells, one)
	return one, nil
}
