package soak

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// Server is what is soaked: a server whose sockets others can take over.
type Server interface {
	tako.Server
	tako.SocketOwner
}

// Target makes servers of one kind.
type Target struct {
	// Name is what the target is called in reports.
	Name string
	// New makes a server that listens on ln, or on port 0 of the loopback if ln is nil.
	New func(app tako.App, ln net.Listener, bounds Bounds, log *slog.Logger) Server
	// Renew replaces the certificates, of which servers know when they are told to
	// reload; nil if the target does without TLS.
	Renew func() (serial int64, err error)
	// Counts returns the open connections and the hand-overs of blocked loops.
	Counts func(s Server) (open, handovers int64)
}

// Bounds are the limits of a server.
type Bounds struct {
	tako.Limits
	HTTP2 tako.HTTP2Config
}

// Reporter is the part of testing.TB that is needed.
type Reporter interface {
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Config says what is soaked and for how long.
type Config struct {
	// Targets take turns.
	Targets []Target
	// Duration is the time for all of them together. Each gets one rotation at least.
	Duration time.Duration
	// Rotation is the time between the start of a server and the end of its last heir.
	// Default: 20 s, or less for all targets to get their turn.
	Rotation time.Duration
	// around is a middleware that breaks something, for tests of the soak itself.
	around tako.Middleware
	// turns is the least number of rotations of each target.
	// Default: 1.
	turns int
	// leakWait is how long a rotation may take to give everything back.
	// Default: 15 s.
	leakWait time.Duration
}

// maxReports is how many errors of a target are told in full.
const maxReports = 20

// Run soaks the targets in turn and ends with a line about each.
func Run(r Reporter, cfg Config) {
	if cfg.Rotation == 0 {
		cfg.Rotation = min(20*time.Second, cfg.Duration/time.Duration(len(cfg.Targets)))
	}
	if cfg.leakWait == 0 {
		cfg.leakWait = 15 * time.Second
	}
	settle()
	start := measure()
	r.Logf("before: %v", start)
	until := time.Now().Add(cfg.Duration)
	records := make([]*record, len(cfg.Targets))
	for i, t := range cfg.Targets {
		records[i] = newRecord(r, t.Name)
	}
	for turn := 0; turn < max(cfg.turns, 1) || time.Now().Before(until); turn++ {
		for i, t := range cfg.Targets {
			x := newRotation(t, records[i], cfg.around, turn)
			if x.rotate(cfg.Rotation) {
				records[i].returned(start, cfg.leakWait)
			}
		}
	}
	r.Logf("after: %v", measure())
	for _, rec := range records {
		r.Logf("%v", rec)
	}
}

// record is what is known of a target over all its rotations.
type record struct {
	Reporter
	name string

	mu       sync.Mutex
	counts   map[string]int64
	order    []string
	rows     int
	reported int
	heap     int64 // after the first rotation
	mapped   int64
	peak     int64 // most memory the process has had, in bytes
}

func newRecord(r Reporter, name string) *record {
	return &record{Reporter: r, name: name, counts: map[string]int64{}}
}

// add counts n of a kind.
func (rec *record) add(kind string, n int64) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if _, met := rec.counts[kind]; !met {
		rec.order = append(rec.order, kind)
	}
	rec.counts[kind] += n
}

// fail counts a defect, and tells of the first ones.
func (rec *record) fail(kind, format string, args ...any) {
	rec.add("DEFECT "+kind, 1)
	rec.mu.Lock()
	rec.reported++
	told, row := rec.reported <= maxReports, rec.rows
	rec.mu.Unlock()
	if told {
		rec.Errorf("%s, rotation %d: %s: %s", rec.name, row, kind, fmt.Sprintf(format, args...))
	}
}

// String returns the line that ends a soak.
func (rec *record) String() string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d rotations, peak memory %d MiB", rec.name, rec.rows, rec.peak>>20)
	for _, kind := range rec.order {
		if n := rec.counts[kind]; n != 0 {
			fmt.Fprintf(&b, ", %s %d", kind, n)
		}
	}
	return b.String()
}
