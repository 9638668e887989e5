// Command hello greets: go run ./examples/hello, then
// curl localhost:8080/hello/Octopus.
package main

import (
	"context"
	"log"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

func app() *tako.Router {
	r := tako.New()
	r.Get("/hello/{name}", func(c *tako.Context) error { return c.Text(200, "Hello, "+c.Param("name")+"!\n") })
	return r
}

func main() { log.Println(tako.Run(context.Background(), std.New(app(), std.Config{}))) }
