package main

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

// row is what one library takes for one document.
type row struct {
	document, what, library string
	size                    int // of the document in bytes
	run                     func() error
	times                   int       // of one turn
	each                    []float64 // CPU time of one time, by turn, in nanoseconds
	allocs                  float64
}

func (r *row) low() float64    { return slices.Min(r.each) }
func (r *row) median() float64 { return report.Median(slices.Clone(r.each)) }

// measure has the libraries decode and encode in turns.
func measure(rounds int, slice time.Duration) ([]*row, error) {
	var all []*row
	for _, doc := range documents {
		for _, rows := range [][]*row{decoding(doc), encoding(doc)} {
			for _, r := range rows {
				if err := r.warm(slice); err != nil {
					return nil, fmt.Errorf("%s, %s, %s: %w", r.library, r.what, r.document, err)
				}
			}
			for range rounds {
				for _, r := range rows {
					r.turn()
				}
			}
			all = append(all, rows...)
		}
	}
	return all, nil
}

func decoding(doc document) (rows []*row) {
	text := Text(doc.value)
	for _, lib := range libraries {
		rows = append(rows, &row{document: doc.name, what: "decode", library: lib.name, size: len(text),
			run: func() error { return lib.decode(text, doc.blank()) }})
	}
	return rows
}

func encoding(doc document) (rows []*row) {
	size := len(Text(doc.value))
	var w bytes.Buffer
	w.Grow(2 * size)
	for _, lib := range libraries {
		rows = append(rows, &row{document: doc.name, what: "encode", library: lib.name, size: size, run: func() error {
			w.Reset()
			return lib.encode(&w, doc.value)
		}})
	}
	return rows
}

// warm finds out how many times fill a turn.
func (r *row) warm(slice time.Duration) error {
	for r.times = 1; ; r.times *= 2 {
		start := time.Now()
		for range r.times {
			if err := r.run(); err != nil {
				return err
			}
		}
		if time.Since(start) > slice {
			return nil
		}
	}
}

func (r *row) turn() {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime()
	for range r.times {
		_ = r.run() // warm has seen its error
	}
	r.each = append(r.each, float64(cpuTime()-start)/float64(r.times))
	runtime.ReadMemStats(&after)
	r.allocs = float64(after.Mallocs-before.Mallocs) / float64(r.times)
}
