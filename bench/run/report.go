package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

// results is everything one run of this program found.
type results struct {
	Time     time.Time      `json:"time"`
	Machine  report.Machine `json:"machine"`
	Load     load           `json:"load"`
	Command  string         `json:"command"`
	Calls    []string       `json:"calls"`
	Versions string         `json:"versions"`
	Rounds   int            `json:"rounds"`
	Workers  int            `json:"workers"`
	Samples  []sample       `json:"samples"`

	reference string
}

func newReport(cfg config) results {
	r := results{
		Time:    time.Now().UTC().Truncate(time.Second),
		Machine: report.ThisMachine(),
		Load:    cfg.load,
		Command: report.Call(),
		Rounds:  cfg.rounds,
		Workers: cfg.workers,
	}
	for _, s := range cfg.scenarios {
		for _, conns := range s.connCounts(cfg.load) {
			if call := s.command(cfg.load, conns); !slices.Contains(r.Calls, call) {
				r.Calls = append(r.Calls, call)
			}
		}
	}
	return r
}

func (r results) facts() []report.Fact {
	return []report.Fact{
		{Name: "machine", Text: r.Machine.String()},
		{Name: "command", Text: r.Command},
		{Name: "load", Text: fmt.Sprintf("%s%s, %d workers per server", strings.Join(r.Calls, ", "), r.wrkNote(), r.Workers)},
		{Name: "versions", Text: r.Versions},
		{Name: "values", Text: fmt.Sprintf("medians of %d rounds in turns (min..max); ratios to %s within each round%s", r.Rounds, r.reference, r.exception())},
	}
}

func (r results) print(w io.Writer, markdown bool) error {
	table := report.NewTable(columns, summarize(r.Samples))
	facts, lines := report.TextFacts(r.facts()), table.Text()
	if markdown {
		facts, lines = report.MarkdownFacts(r.facts()), table.Markdown()
	}
	return report.WriteLines(w, slices.Concat(facts, []string{""}, lines, r.losses(), r.warning()))
}

func (r results) wrkNote() string {
	if !slices.ContainsFunc(r.Calls, func(call string) bool { return strings.HasPrefix(call, "wrk ") }) {
		return ""
	}
	return " (wrk with --latency to print percentiles)"
}

// exception says what variants are compared with.
func (r results) exception() string {
	if !slices.ContainsFunc(r.Samples, func(s sample) bool { return s.Against != "" }) {
		return ""
	}
	return ", of variants to the first one of the same server"
}

// losses says how many datagrams each server left without an answer, and how many events never
// came.
func (r results) losses() []string {
	var lines []string
	for _, row := range summarize(r.Samples) {
		if i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == row.Scenario }); i < 0 || !scenarios[i].losesSome() {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s lost %d of %d in %s", row.Server, row.Lost, row.Requests+row.Lost, row.Scenario))
	}
	if lines == nil {
		return nil
	}
	return []string{"", strings.Join(lines, "; ")}
}

// warning says when the figures owe much to other work on the machine.
func (r results) warning() []string {
	n := disturbed(r.Samples)
	if n == 0 {
		return nil
	}
	return []string{"", fmt.Sprintf("other work took part of the machine in %d of %d measurements: trust only ratios, or repeat", n, len(r.Samples))}
}

func (r results) save(name string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}
