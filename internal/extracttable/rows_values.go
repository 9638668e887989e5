package extracttable

import (
	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

// reefValue names the key of the middleware.
type reefValue struct{}

func (reefValue) Key() tako.Key[reef] { return reefKey }

// unsupplied is state that the app does not have.
type unsupplied struct{}

func valueRows() []Row {
	return []Row{
		row("tako.State[T]", plain(func(v tako.State[supplied]) string { return v.Value.name }), Row{
			Source: "what `tako.Supply` gave to the router",
			Good:   []Case{{Want: "supplied"}},
			extra: func(r *tako.Router) {
				r.Get("/no-state", func(c *tako.Context) error {
					_, err := tako.Extract[tako.State[unsupplied]](c)
					return err
				})
			},
			Failures: []Failure{
				{500, "nothing was supplied; in typed handlers the router does not build", Case{Target: "/no-state"}, false},
			},
		}),
		row("extract.Value[T, K]", plain(func(v extract.Value[reef, reefValue]) string { return v.Value.Name }), Row{
			Source:  "what middleware has left under a `tako.Key`",
			Options: "`K` names the key",
			Good:    []Case{{Fields: []string{"X-Reef: Kiwi"}, Want: "Kiwi"}},
			Failures: []Failure{
				{500, "no middleware has set it", Case{}, true},
			},
		}),
	}
}
