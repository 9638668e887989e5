package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/client"
	"github.com/tako-go/tako/takotest"
)

func TestTour(t *testing.T) {
	app := tako.New()
	newShop(app, new(stock))
	api, err := connect(takotest.Serve(t, app).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	var out strings.Builder
	if err := tour(t.Context(), &out, api); err != nil {
		t.Fatal(err)
	}
	const want = `added conch at /shells/1
found 1 and the first costs 350
the same again: errTwice true
not there: errNoShell true errTwice false
nonsense: /name must have at least 1 character
nonsense: /cents must be at least 1
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// A client without the token is told so; the same routes call the service in memory.
func TestToken(t *testing.T) {
	app := tako.New()
	shop := newShop(app, new(stock))
	srv := takotest.New(t, app)
	for given, want := range map[string]int{"": 401, "guess": 401, token: 0} {
		in := newShell{Body: shell{Name: "cowrie", Cents: 5}}
		in.By.Token = given
		_, err := shop.add.Do(t.Context(), srv, in)
		got := 0
		if problem, ok := errors.AsType[*tako.Error](err); ok {
			got = problem.Status
		}
		if got != want || (err == nil) != (want == 0) {
			t.Errorf("token %q: got %v, want status %d", given, err, want)
		}
	}
}

// Without a service there is an error, and nothing is tried twice.
func TestNoService(t *testing.T) {
	api, err := client.New("http://127.0.0.1:1", client.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	if err := tour(t.Context(), &strings.Builder{}, api); err == nil {
		t.Error("got no error")
	}
}
