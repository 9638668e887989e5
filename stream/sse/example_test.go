package sse_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/stream/sse"
)

type price struct {
	Euro int `json:"euro"`
}

// A typed handler returns an iterator of events.
func ExampleStream() {
	app := tako.New()
	tako.Get(app, "/prices", func(ctx context.Context, _ struct{}) (sse.Stream[price], error) {
		return sse.Stream[price]{Events: func(yield func(sse.Event[price], error) bool) {
			for euro := range 3 {
				if !yield(sse.Event[price]{Name: "price", Data: price{euro}}, nil) {
					return
				}
			}
		}}, nil
	})
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/prices", nil))
	fmt.Print(w.Body)
	// Output:
	// event: price
	// data: {"euro":0}
	//
	// event: price
	// data: {"euro":1}
	//
	// event: price
	// data: {"euro":2}
}

// A raw handler writes events by hand.
func ExampleOpen() {
	app := tako.New()
	app.Get("/log", func(c *tako.Context) error {
		w, err := sse.Open[string](c, sse.Config{Retry: 5 * time.Second})
		if err != nil {
			return err
		}
		return w.Send(sse.Event[string]{ID: "7", Data: "two\nlines"})
	})
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/log", nil))
	fmt.Print(w.Body)
	// Output:
	// retry: 5000
	//
	// id: 7
	// data: two
	// data: lines
}

// A hub sends what is published to all who have subscribed.
func ExampleHub() {
	app := tako.New()
	hub := sse.NewHub[price](sse.HubConfig{Replay: 1000, Slow: sse.CloseSlow})
	tako.Get(app, "/prices", func(context.Context, struct{}) (sse.Stream[price], error) {
		return hub.Stream("prices"), nil
	})
	err := hub.Publish("prices", sse.Event[price]{Data: price{7}})
	fmt.Println(err, hub.Stats().Published)
	// Output: <nil> 1
}

// A request uploads, and another one is told how far that is.
func ExampleUploads() {
	uploads := sse.NewUploads(sse.UploadsConfig{})
	app := tako.New()
	app.Post("/uploads/{id}", func(c *tako.Context) error {
		if err := uploads.Track(c, c.Param("id")); err != nil {
			return err
		}
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		return c.JSON(200, len(body))
	})
	app.Get("/uploads/{id}/progress", func(c *tako.Context) error {
		return uploads.Stream(c.Param("id")).Respond(c)
	})
	fmt.Println(app.Build())
	// Output: <nil>
}
