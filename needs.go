package tako

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// Feature is something that not every server, and not every version of HTTP, can do.
type Feature uint8

const (
	// NeedsUpgrade is [Context.Upgrade] and [Context.UpgradeEvents], as WebSocket wants them.
	NeedsUpgrade Feature = iota + 1
	// NeedsRawConn is [Context.Hijack]: the connection of HTTP/1.1.
	NeedsRawConn
	// NeedsFullDuplex is a request body that can be read while the response is written.
	NeedsFullDuplex
	// NeedsWebTransport is sessions of WebTransport over HTTP/3.
	NeedsWebTransport
)

var featureNames = [...]string{"", "upgrade", "raw connection", "full duplex", "WebTransport"}

// String names the feature.
func (f Feature) String() string {
	if f == 0 || int(f) >= len(featureNames) {
		return fmt.Sprintf("Feature(%d)", uint8(f))
	}
	return featureNames[f]
}

// Needs declares that the route is of no use without these features. [Runner.Run] logs the
// routes that a server cannot serve, and does not start if none can serve one of them. Requests are
// not looked at: what a protocol cannot do has an error that matches [errors.ErrUnsupported].
func Needs(features ...Feature) Option {
	return func(op *Operation) {
		for _, f := range features {
			if f == 0 || int(f) >= len(featureNames) {
				op.AddProblem("Needs(" + f.String() + "): there is no such feature")
			} else if !slices.Contains(op.features, f) {
				op.features = append(op.features, f)
			}
		}
	}
}

// Needs are the features that the operation has declared by [Needs].
func (op *Operation) Needs() []Feature { return slices.Clone(op.features) }

// A FeatureTeller is a [Server] of an [App] that knows what it can do.
type FeatureTeller interface {
	// App is what it serves.
	App() App
	// Offers reports whether it can do that over any protocol it speaks.
	Offers(f Feature) bool
}

// ErrUnserved is returned by [Runner.Run] when a route needs what no server offers.
var ErrUnserved = errors.New("tako: no server offers what a route needs")

// checkNeeds holds what routes need against the servers, which listen.
func checkNeeds(servers []Server, log *slog.Logger) error {
	unserved := map[*Operation]string{}
	served := map[*Operation]bool{}
	var order []*Operation
	for _, s := range servers {
		teller, ok := s.(FeatureTeller)
		if !ok {
			continue
		}
		for _, route := range teller.App().current().listing() {
			if len(route.Operation.features) == 0 {
				continue
			}
			if !slices.Contains(order, route.Operation) {
				order = append(order, route.Operation)
			}
			missing := route.Operation.lacks(teller)
			if missing == "" {
				served[route.Operation] = true
				continue
			}
			unserved[route.Operation] = strings.TrimSpace(route.Method+" "+route.Pattern) + " needs " + missing
			log.Warn("route cannot be served here", "server", serverLine(s), "route", route.Pattern, "missing", missing)
		}
	}
	var errs []error
	for _, op := range order {
		if !served[op] {
			errs = append(errs, fmt.Errorf("%w: %s (%s)", ErrUnserved, unserved[op], op.Location))
		}
	}
	return errors.Join(errs...)
}

// lacks names what the operation needs and the server does not offer.
func (op *Operation) lacks(s FeatureTeller) string {
	var missing []string
	for _, f := range op.features {
		if !s.Offers(f) {
			missing = append(missing, f.String())
		}
	}
	return strings.Join(missing, ", ")
}
