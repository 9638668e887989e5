package main

import (
	"errors"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/account"
	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/examples/octopus/upload"
	"github.com/tako-go/tako/middleware"
)

// kinds says what the errors of the stores mean to a client.
var kinds = []struct {
	err    error
	status int
	kind   string
}{
	{account.ErrTaken, 409, "name-taken"},
	{account.ErrUnknown, 404, "no-such-user"},
	{account.ErrRefused, 401, "wrong-credentials"},
	{account.ErrFull, 409, "full"},
	{reef.ErrNoReef, 404, "no-such-reef"},
	{reef.ErrNoMessage, 404, "no-such-message"},
	{reef.ErrTaken, 409, "reef-taken"},
	{reef.ErrNotYours, 403, "not-yours"},
	{reef.ErrFull, 409, "full"},
	{upload.ErrNoFile, 404, "no-such-file"},
	{upload.ErrNotYours, 403, "not-yours"},
	{upload.ErrFull, 409, "full"},
}

// problemOf is what the client is told of an error. One that says so itself is left
// as it is.
func problemOf(err error) *tako.Error {
	if e, ok := errors.AsType[*tako.Error](err); ok {
		problem := *e
		return &problem
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			problem := &tako.Error{Status: k.status, Type: "/problems/" + k.kind, Detail: k.err.Error(), Err: err}
			if k.status == 401 {
				problem.With("WWW-Authenticate", challenge)
			}
			return problem
		}
	}
	return tako.AsError(err)
}

// explain makes problem documents of the errors of the stores and adds the id of
// the request, for those who ask for help. Rendering is left to the framework.
func explain(c *tako.Context, err error) error {
	problem := problemOf(err)
	problem.Extra = map[string]any{"requestId": middleware.RequestIDOf(c)}
	return problem
}

// throws documents errors of the stores as clients see them.
func throws(errs ...error) tako.Option {
	problems := make([]error, len(errs))
	for i, err := range errs {
		problems[i] = problemOf(err)
	}
	return tako.Throws(problems...)
}
