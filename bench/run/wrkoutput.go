package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// counts is what a load generator found.
type counts struct {
	Requests  int64
	PerSecond float64
	// P50 and P99 are 0 when it tells no percentiles.
	P50, P99 time.Duration
	// Lost datagrams were never answered.
	Lost int64
}

// wrkOutput is what one run of wrk --latency printed.
type wrkOutput struct {
	counts
	// Refused counts answers that were neither 2xx nor 3xx.
	Refused int64
	// SocketErrors is the line as printed, empty without errors.
	SocketErrors string
}

func parseWrk(text string) (wrkOutput, error) {
	var out wrkOutput
	for line := range strings.Lines(text) {
		if err := out.parseLine(strings.TrimSpace(line)); err != nil {
			return out, fmt.Errorf("wrk printed %q: %w", strings.TrimSpace(line), err)
		}
	}
	if out.Requests == 0 || out.PerSecond == 0 || out.P99 == 0 {
		return out, fmt.Errorf("wrk counted no requests:\n%s", text)
	}
	return out, nil
}

func (out *wrkOutput) parseLine(line string) (err error) {
	first, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.HasPrefix(rest, "requests in "):
		out.Requests, err = strconv.ParseInt(first, 10, 64)
	case first == "Requests/sec:":
		out.PerSecond, err = strconv.ParseFloat(rest, 64)
	case first == "50%":
		out.P50, err = parseWrkTime(rest)
	case first == "99%":
		out.P99, err = parseWrkTime(rest)
	case strings.HasPrefix(line, "Non-2xx or 3xx responses:"):
		_, number, _ := strings.Cut(line, ":")
		out.Refused, err = strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	case strings.HasPrefix(line, "Socket errors:"):
		out.SocketErrors = line
	}
	return err
}

// clean reports answers that were not worth counting.
func (out wrkOutput) clean() error {
	if out.Refused > 0 {
		return fmt.Errorf("%d of %d answers were not 2xx", out.Refused, out.Requests)
	}
	if out.SocketErrors != "" {
		return fmt.Errorf("wrk reports %s", strings.ToLower(out.SocketErrors))
	}
	return nil
}

// parseWrkTime reads wrk's own units, of which only m and h differ from Go's in
// that wrk writes fractions of them.
func parseWrkTime(text string) (time.Duration, error) {
	units := []struct {
		suffix string
		unit   time.Duration
	}{{"us", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			continue
		}
		return time.Duration(value * float64(u.unit)), nil
	}
	return 0, fmt.Errorf("%q is no duration", text)
}
