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
	Wrk      []string       `json:"wrk"`
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
	for _, conns := range cfg.load.Conns {
		r.Wrk = append(r.Wrk, "wrk "+strings.Join(cfg.load.command(conns), " "))
	}
	return r
}

func (r results) facts() []report.Fact {
	return []report.Fact{
		{Name: "machine", Text: r.Machine.String()},
		{Name: "command", Text: r.Command},
		{Name: "load", Text: fmt.Sprintf("%s (--latency to print percentiles), %d workers per server", strings.Join(r.Wrk, ", "), r.Workers)},
		{Name: "versions", Text: r.Versions},
		{Name: "values", Text: fmt.Sprintf("medians of %d rounds in turns (min..max); ratios to %s within each round", r.Rounds, r.reference)},
	}
}

func (r results) print(w io.Writer, markdown bool) error {
	table := report.NewTable(columns, summarize(r.Samples))
	facts, lines := report.TextFacts(r.facts()), table.Text()
	if markdown {
		facts, lines = report.MarkdownFacts(r.facts()), table.Markdown()
	}
	return report.WriteLines(w, slices.Concat(facts, []string{""}, lines, r.warning()))
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
