package compress_test

import (
	"context"
	"fmt"
	"log"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/runtime/std"
)

func ExampleResponses() {
	app := tako.New()
	app.Use(compress.Responses(compress.Config{
		Codings: []string{"zstd", "gzip"},
		Levels:  compress.Levels{Gzip: 6},
	}))
	app.Get("/reefs", func(c *tako.Context) error { return c.JSON(200, []string{"Elphinstone", "Daedalus"}) })

	// What handlers flush reaches the client at once.
	app.Get("/events", func(c *tako.Context) error {
		c.Header().Set("Content-Type", "text/event-stream")
		if _, err := fmt.Fprint(c, "data: a shoal of squid\n\n"); err != nil {
			return err
		}
		return c.Flush()
	})
	log.Println(tako.Run(context.Background(), std.New(app, std.Config{})))
}

func ExampleRequests() {
	type reef struct{ Name string }
	app := tako.New()
	app.BodyLimit(1 << 20) // of the decoded body
	app.Use(compress.Requests(compress.RequestConfig{Codings: []string{"gzip", "zstd"}}))
	tako.Post(app, "/reefs", func(_ context.Context, in tako.JSON[reef]) (reef, error) { return in.Value, nil })
	log.Println(tako.Run(context.Background(), std.New(app, std.Config{})))
}
