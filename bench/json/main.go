package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/tako-go/tako/bench/internal/report"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 20, "how many turns each library has")
	slice := flag.Duration("slice", 20*time.Millisecond, "how long a turn is")
	write := flag.String("write", "", "write the documents to this directory and end")
	flag.Parse()
	if *write != "" {
		if err := writeDocuments(*write); err != nil {
			log.Fatal(err)
		}
		return
	}
	rows, err := measure(*rounds, *slice)
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range table(rows).Markdown() {
		fmt.Println(line)
	}
}

func writeDocuments(dir string) error {
	for _, doc := range documents {
		if err := os.WriteFile(filepath.Join(dir, doc.name+".json"), Text(doc.value), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func table(rows []*row) report.Table {
	return report.NewTable([]report.Column[*row]{
		{Name: "document", Left: true, Value: func(r *row) string { return r.document }},
		{Name: "", Left: true, Value: func(r *row) string { return r.what }},
		{Name: "library", Left: true, Value: func(r *row) string { return r.library }},
		{Name: "ns", Value: func(r *row) string { return fmt.Sprintf("%.0f", r.low()) }},
		{Name: "ns, median", Value: func(r *row) string { return fmt.Sprintf("%.0f", r.median()) }},
		{Name: "MB/s", Value: func(r *row) string { return fmt.Sprintf("%.0f", float64(r.size)/r.low()*1000) }},
		{Name: "allocations", Value: func(r *row) string { return fmt.Sprintf("%.0f", r.allocs) }},
	}, rows)
}
