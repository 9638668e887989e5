package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

var columns = []report.Column[row]{
	{Name: "scenario", Left: true, Value: func(r row) string { return r.Scenario }},
	{Name: "server", Left: true, Value: func(r row) string { return r.Server }},
	{Name: "conns", Value: func(r row) string { return strconv.Itoa(r.Conns) }},
	{Name: "req/s", Value: func(r row) string { return fmt.Sprintf("%.0f", r.rate.Median) }},
	{Name: "min..max", Value: func(r row) string { return fmt.Sprintf("%.0f..%.0f", r.rate.Low, r.rate.High) }},
	{Name: "CPU µs/req", Value: func(r row) string { return fmt.Sprintf("%.2f", r.cpu) }},
	{Name: "user", Value: func(r row) string { return fmt.Sprintf("%.2f", micros(r.User)) }},
	{Name: "system", Value: func(r row) string { return fmt.Sprintf("%.2f", micros(r.System)) }},
	{Name: "machine µs/req", Value: func(r row) string { return fmt.Sprintf("%.2f", micros(r.Machine)) }},
	{Name: "req/CPU s", Value: func(r row) string {
		if r.cpu == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f", 1e6/r.cpu)
	}},
	{Name: "p50", Value: func(r row) string { return latency(r.P50) }},
	{Name: "p99", Value: func(r row) string { return latency(r.P99) }},
	{Name: "max RSS MiB", Value: func(r row) string { return fmt.Sprintf("%.1f", float64(r.Peak)/(1<<20)) }},
	{Name: "allocs/req", Value: func(r row) string {
		if r.Allocs == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f", r.Allocs)
	}},
	{Name: "CPU ratio", Value: func(r row) string { return r.cpuRatio.String() }},
	{Name: "rate ratio", Value: func(r row) string { return r.rateRatio.String() }},
}

// latency is a dash when the load generator does not tell it.
func latency(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return report.ShortTime(d)
}
