// Command sse shows sightings on a page as they are reported: a hub with topics, and a replay of
// what a client has missed while it was away.
//
//	go run ./examples/sse
//	open http://localhost:8080
//	curl -N localhost:8080/sightings/crabs                        # the stream
//	curl -d '{"what":"a red one"}' -H 'Content-Type: application/json' localhost:8080/sightings/crabs
//	curl -N localhost:8080/clock                                  # events from an iterator
package main

import (
	"context"
	"log"
	"net/http"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/sse"
)

type sighting struct {
	What string    `json:"what" minLength:"1" maxLength:"200"`
	At   time.Time `json:"at"`
}

// board has a topic for each species.
type board struct{ hub *sse.Hub[sighting] }

func (b board) watch(_ context.Context, in struct {
	Species string `path:"species"`
}) (sse.Stream[sighting], error) {
	return b.hub.Stream(in.Species), nil
}

func (b board) report(_ context.Context, in struct {
	Species string `path:"species"`
	Body    sighting
}) (tako.NoContent, error) {
	in.Body.At = time.Now()
	return tako.NoContent{}, b.hub.Publish(in.Species, sse.Event[sighting]{Name: "sighting", Data: in.Body})
}

// clock ticks until the client is gone: the context ends then.
func clock(ctx context.Context, _ struct{}) (sse.Stream[time.Time], error) {
	return sse.Stream[time.Time]{Events: func(yield func(sse.Event[time.Time], error) bool) {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for yield(sse.Event[time.Time]{Data: time.Now()}, nil) {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}}, nil
}

const page = `<!doctype html><title>Sightings</title>
<h1>Crabs</h1>
<form><input name=what placeholder="What did you see?" required> <button>Report</button></form>
<p id=state></p><ul></ul>
<script>
const list = document.querySelector("ul"), state = document.querySelector("#state")
const events = new EventSource("/sightings/crabs")
events.onopen = () => state.textContent = "connected"
events.onerror = () => state.textContent = "connecting again"
events.addEventListener("reset", () => list.replaceChildren())
events.addEventListener("sighting", e => {
  const item = document.createElement("li"), got = JSON.parse(e.data)
  item.textContent = new Date(got.at).toLocaleTimeString() + ": " + got.what
  list.prepend(item)
})
document.forms[0].onsubmit = e => {
  e.preventDefault()
  fetch("/sightings/crabs", {method: "POST", headers: {"Content-Type": "application/json"},
    body: JSON.stringify({what: e.target.what.value})})
  e.target.reset()
}
</script>`

func app() *tako.Router {
	r := tako.New()
	b := board{sse.NewHub[sighting](sse.HubConfig{Replay: 1000, Slow: sse.CloseSlow, Stream: sse.Config{Retry: time.Second}})}
	r.Get("/", func(c *tako.Context) error { return c.Bytes(http.StatusOK, "text/html; charset=utf-8", []byte(page)) })
	tako.Get(r, "/sightings/{species}", b.watch)
	tako.Post(r, "/sightings/{species}", b.report)
	tako.Get(r, "/clock", clock)
	tako.Get(r, "/stats", func(context.Context, struct{}) (sse.HubStats, error) { return b.hub.Stats(), nil })
	return r
}

func main() {
	if _, err := tako.Run(context.Background(), std.New(app(), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
