package launch

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Target is a server to measure.
type Target struct {
	Name string
	// HelloOnly servers answer GET / and nothing else.
	HelloOnly bool
	// KeepsOpen servers do not look at Connection: close.
	KeepsOpen bool

	// group is go, rust or c, and own for ours.
	group string
	// source is the folder, crate binary or file that is built, below rivals/.
	source string
	// module is the Go module or crate whose version counts.
	module string
	args   []string
	// wanted by name, so that a missing compiler is an error and no reason to
	// leave it out.
	wanted bool
}

var rivals = []Target{
	{Name: "nethttp", group: "go", source: "nethttp"},
	{Name: "gin", group: "go", source: "gin", module: "github.com/gin-gonic/gin"},
	{Name: "echo", group: "go", source: "echo", module: "github.com/labstack/echo/v5"},
	{Name: "chi", group: "go", source: "chi", module: "github.com/go-chi/chi/v5"},
	{Name: "fiber", group: "go", source: "fiber", module: "github.com/gofiber/fiber/v3"},
	{Name: "hertz", group: "go", source: "hertz", module: "github.com/cloudwego/hertz", HelloOnly: true},
	{Name: "fasthttp", group: "go", source: "fasthttp", module: "github.com/valyala/fasthttp", HelloOnly: true},
	{Name: "axum", group: "rust", source: "rival-axum", module: "axum"},
	{Name: "actix", group: "rust", source: "rival-actix", module: "actix-web"},
	{Name: "ntex", group: "rust", source: "rival-ntex", module: "ntex"},
	{Name: "tako-rs", group: "rust", source: "rival-tako", module: "tako-rs"},
	{Name: "tako-rs-pt", group: "rust", source: "rival-tako-pt", module: "tako-rs"},
	{Name: "c-epoll", group: "c", source: "epoll.c", HelloOnly: true, KeepsOpen: true},
	{Name: "c-uring", group: "c", source: "uring.c", HelloOnly: true, KeepsOpen: true},
}

// Own says whether it is our server, which has endpoints that rivals do not have.
func (t Target) Own() bool { return t.group == "own" }

// RivalNames lists what SelectRivals knows.
func RivalNames() string {
	var names []string
	for _, r := range rivals {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

// SelectRivals takes names and the groups all, go, rust, c and none. It keeps the
// order of the table, so that runs line up.
func SelectRivals(names []string) ([]Target, error) {
	known := []string{"all", "go", "rust", "c", "none"}
	for _, r := range rivals {
		known = append(known, r.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no rival %q; there are %s", name, RivalNames())
		}
	}
	var selected []Target
	for _, r := range rivals {
		r.wanted = slices.Contains(names, r.Name)
		if r.wanted || slices.Contains(names, "all") || slices.Contains(names, r.group) {
			selected = append(selected, r)
		}
	}
	return selected, nil
}

// OurTargets turns runtime[:poller] into the options of our server.
func OurTargets(names []string) ([]Target, error) {
	var own []Target
	for _, name := range names {
		runtime, poller, forced := strings.Cut(name, ":")
		if runtime == "" || forced && poller == "" {
			return nil, fmt.Errorf("our server %q is not runtime[:poller]", name)
		}
		t := Target{Name: "tako/" + name, group: "own", args: []string{"-runtime", runtime}}
		if forced {
			t.args = append(t.args, "-poller", poller)
		}
		own = append(own, t)
	}
	return own, nil
}

// Select is OurTargets and SelectRivals on comma lists, ours first.
func Select(ours, rivals string) ([]Target, error) {
	own, err := OurTargets(Split(ours))
	if err != nil {
		return nil, err
	}
	others, err := SelectRivals(Split(rivals))
	if err != nil {
		return nil, err
	}
	if len(own)+len(others) == 0 {
		return nil, errors.New("no server selected")
	}
	return append(own, others...), nil
}

// Split reads a comma list, in which empty items count for nothing.
func Split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
