package main

import (
	"testing"

	"github.com/tako-go/tako/takotest"
)

func TestHello(t *testing.T) {
	for name, srv := range map[string]*takotest.Server{"memory": takotest.New(t, app()), "std": takotest.Serve(t, app())} {
		t.Run(name, func(t *testing.T) {
			srv.Get("/hello/Octopus").Expect(200).ExpectText("Hello, Octopus!\n").ExpectHeader("Content-Type", "text/plain; charset=utf-8")
			srv.Get("/hello/two%20words").Expect(200).ExpectText("Hello, two words!\n")
			srv.Do("HEAD", "/hello/Octopus").Expect(200).ExpectText("")
			srv.Get("/nobody").Problem(404)
		})
	}
}
