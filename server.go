package tako

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Server is something that listens, serves and can be drained. A Server is used
// once. All methods may be called concurrently; Shutdown before, during and after
// Serve, any number of times.
type Server interface {
	// Listen checks everything the server needs, routes, certificates and
	// addresses, and binds. Nothing is served yet.
	Listen(ctx context.Context) error
	// Serve serves until Shutdown has ended it, and returns nil then. It is called
	// after Listen.
	Serve() error
	// Addr is the address it listens on, nil before Listen.
	Addr() net.Addr
	// Shutdown stops accepting, lets requests under way end, and cuts those that
	// have not when ctx is done. It returns what became of the connections; the
	// error is that of ctx if any was cut. Later calls wait for the first.
	Shutdown(ctx context.Context) (Report, error)
}

// A Drainer is a Server that can tell its handlers about a coming shutdown while
// it still accepts: [Ready] answers 503 from then on.
type Drainer interface {
	// BeginDrain may be called at any time and any number of times.
	BeginDrain()
}

// A Describable is a Server that names what it serves, for listings, such as
// "http/1.1 (std)".
type Describable interface {
	// Describe returns protocol and runtime.
	Describe() string
}

// Report says what a shutdown did.
type Report struct {
	// Idle is the number of connections that were closed at once.
	Idle int
	// Drained is the number of connections that ended their work.
	Drained int
	// Cut is the number of connections that had to be broken off.
	Cut int
	// Elapsed is the time it took.
	Elapsed time.Duration
}

// Add adds the counts of another report; Elapsed becomes the longer one.
func (r *Report) Add(other Report) {
	r.Idle += other.Idle
	r.Drained += other.Drained
	r.Cut += other.Cut
	r.Elapsed = max(r.Elapsed, other.Elapsed)
}

// String returns the report in one line.
func (r Report) String() string {
	return fmt.Sprintf("drained %d, closed %d idle, cut %d in %v", r.Drained, r.Idle, r.Cut, r.Elapsed.Round(time.Millisecond))
}

// Ready answers 200, and 503 as soon as the server begins to drain, so that a
// balancer sends no new clients.
func Ready() Handler {
	return func(c *Context) error {
		c.Header().Set("Cache-Control", "no-store")
		select {
		case <-c.Draining():
			return c.Text(http.StatusServiceUnavailable, "draining\n")
		default:
			return c.Text(http.StatusOK, "ready\n")
		}
	}
}

// serverLine returns the line of a server in a listing.
func serverLine(s Server) string {
	kind := "server"
	if d, ok := s.(Describable); ok {
		kind = d.Describe()
	}
	return kind + " on " + addrText(s.Addr())
}

func addrText(a net.Addr) string {
	if a == nil {
		return "nothing"
	}
	return strings.TrimPrefix(a.Network()+" "+a.String(), "tcp ")
}
