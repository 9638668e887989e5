// Command state shows the three ways to hand values to handlers: Supply for what
// lives as long as the service, Provide for what is made for each request, and a
// Key for what middleware leaves behind.
//
//	go run ./examples/state
//	curl -H 'X-Tenant: reef' localhost:8080/visits
//	curl -H 'X-Tenant: reef' localhost:8080/raw
package main

import (
	"context"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
)

// counters lives as long as the service; its handlers share it.
type counters struct {
	mu     sync.Mutex
	visits map[tenant]int
}

func (n *counters) add(t tenant) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.visits[t]++
	return n.visits[t]
}

// tenant is made for each request that needs one.
type tenant string

func findTenant(_ context.Context, in struct {
	Name string `header:"X-Tenant"`
}) (tenant, error) {
	if in.Name == "" {
		return "", tako.BadRequest("say who you are in X-Tenant")
	}
	return tenant(in.Name), nil
}

var began = tako.NewKey[time.Time]("began")

func clock(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		began.Set(c, time.Now())
		return next(c)
	}
}

// visits takes all three among its inputs.
func visits(_ context.Context, in struct {
	Counters tako.State[*counters]
	Tenant   tenant
	C        *tako.Context
}) (map[string]any, error) {
	at, _ := began.Get(in.C)
	return map[string]any{"tenant": in.Tenant, "visits": in.Counters.Value.add(in.Tenant), "micros": time.Since(at).Microseconds()}, nil
}

// raw is the same without types.
func raw(c *tako.Context) error {
	state, err := tako.Extract[tako.State[*counters]](c)
	if err != nil {
		return err
	}
	t, err := tako.Provided[tenant](c)
	if err != nil {
		return err
	}
	return c.Text(200, fmt.Sprintf("%s has come %d times\n", t, state.Value.add(t)))
}

func app() *tako.Router {
	r := tako.New()
	r.Use(clock)
	tako.Supply(r, &counters{visits: map[tenant]int{}})
	tako.Provide(r, findTenant)
	tako.Get(r, "/visits", visits)
	r.Get("/raw", raw)
	return r
}

func main() {
	if _, err := tako.Run(context.Background(), std.New(app(), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
