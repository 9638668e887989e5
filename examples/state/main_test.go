package main

import (
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/takotest"
)

func TestState(t *testing.T) {
	srv := takotest.New(t, app())
	reef := takotest.Header("X-Tenant", "reef")
	var got struct {
		Tenant string
		Visits int
		Micros *int64
	}
	srv.Get("/visits", reef).Expect(200).JSON(&got)
	if got.Tenant != "reef" || got.Visits != 1 || got.Micros == nil {
		t.Errorf("got %+v", got)
	}
	srv.Get("/raw", reef).Expect(200).ExpectText("reef has come 2 times\n")
	srv.Get("/raw", takotest.Header("X-Tenant", "lagoon")).Expect(200).ExpectText("lagoon has come 1 times\n")
	srv.Get("/visits").Problem(400)
	srv.Get("/raw").Problem(400)
}

// A test says who is asking, whatever the request has.
func TestReplaced(t *testing.T) {
	r := app()
	takotest.Provide(r, tenant("tested"))
	takotest.New(t, r).Get("/raw").Expect(200).ExpectText("tested has come 1 times\n")
}

// A forgotten dependency is found before the service listens.
func TestForgotten(t *testing.T) {
	r := tako.New()
	tako.Get(r, "/visits", visits)
	err := r.Build()
	if err == nil || !strings.Contains(err.Error(), "counters") || !strings.Contains(err.Error(), "Tenant") {
		t.Errorf("got %v, want both mistakes", err)
	}
}
