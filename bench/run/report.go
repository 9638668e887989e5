package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// report is everything one run of this program found.
type report struct {
	Time    time.Time `json:"time"`
	Machine machine   `json:"machine"`
	Load    load      `json:"load"`
	Command string    `json:"command"`
	Rounds  int       `json:"rounds"`
	Workers int       `json:"workers"`
	Samples []sample  `json:"samples"`

	reference string
}

func newReport(cfg config, servers []server, samples []sample) report {
	return report{
		Time:      time.Now().UTC().Truncate(time.Second),
		Machine:   thisMachine(),
		Load:      cfg.load,
		Command:   "wrk " + strings.Join(cfg.load.command(), " "),
		Rounds:    cfg.rounds,
		Workers:   cfg.workers,
		Samples:   samples,
		reference: servers[0].name,
	}
}

func (r report) print(w io.Writer, markdown bool) error {
	about := []string{
		"machine: " + r.Machine.String(),
		fmt.Sprintf("load:    %s (--latency to print percentiles), %d workers per server", r.Command, r.Workers),
		fmt.Sprintf("values:  medians of %d rounds in turns; ratio of CPU to %s within each round", r.Rounds, r.reference),
	}
	table := newTable(summarize(r.Samples))
	if markdown {
		for i, line := range about {
			key, value, _ := strings.Cut(line, ":")
			about[i] = fmt.Sprintf("- %s: %s", key, strings.TrimSpace(value))
		}
		return writeLines(w, slices.Concat(about, []string{""}, table.markdown(), r.warning()))
	}
	return writeLines(w, slices.Concat(about, []string{""}, table.text(), r.warning()))
}

// warning says when the figures owe much to other work on the machine.
func (r report) warning() []string {
	n := disturbed(r.Samples)
	if n == 0 {
		return nil
	}
	return []string{"", fmt.Sprintf("other work took part of the machine in %d of %d measurements: trust only ratios, or repeat", n, len(r.Samples))}
}

func (r report) save(name string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

func writeLines(w io.Writer, lines []string) error {
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
