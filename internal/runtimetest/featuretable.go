package runtimetest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Columns of the table in the documentation. Each is written by the tests of the package
// that has the server.
var featureColumns = []string{"std h1", "std h1+tls", "std h2", "std h2c", "loop h1", "loop h1+tls", "loop h2", "loop h2c", "h3"}

const featureIntro = `# What runs where

Found out by a small server and client of each kind, in the tests of runtime/std, runtime/loop and transport/h3. They fail if this page says something else; ` + "`UPDATE_TABLE=1 go test -p 1 -run FeatureTable ./runtime/... ./transport/h3`" + ` writes it again.

h1 is HTTP/1.1, h2c HTTP/2 without TLS. loop stands for both of its pollers.

`

// CheckTable compares a column of the table at path with what the target has.
func CheckTable(t *testing.T, path, column string, target Target) {
	if !slices.Contains(featureColumns, column) {
		t.Fatalf("the table has no column %q", column)
	}
	table := readTable(t, path)
	lacks := Features(t, target)
	for _, f := range features() {
		want := "yes"
		if lacks[f.name] && table[f.name][column] == want { // was the machine too busy to show it?
			lacks[f.name] = f.missing(t, target, new(logBook))
		}
		if lacks[f.name] {
			want = "–"
		}
		if got := table[f.name][column]; got != want && os.Getenv("UPDATE_TABLE") == "" {
			t.Errorf("%s: the table has %q for %s, want %q; see its first lines for how to write it again", f.name, got, column, want)
		}
		if table[f.name] == nil {
			table[f.name] = map[string]string{}
		}
		table[f.name][column] = want
	}
	text := tableText(table)
	if old, _ := os.ReadFile(path); string(old) == text {
		return
	}
	if os.Getenv("UPDATE_TABLE") == "" {
		t.Errorf("%s is not as it would be written", path)
		return
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readTable returns cells by row and column.
func readTable(t *testing.T, path string) map[string]map[string]string {
	table := map[string]map[string]string{}
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var columns []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case !strings.HasPrefix(line, "| ") || len(cells) < 2:
		case columns == nil:
			columns = cells[1:]
		default:
			row := map[string]string{}
			for i, cell := range cells[1:] {
				if i < len(columns) {
					row[columns[i]] = cell
				}
			}
			table[cells[0]] = row
		}
	}
	return table
}

func tableText(table map[string]map[string]string) string {
	var b strings.Builder
	b.WriteString(featureIntro + "| feature | " + strings.Join(featureColumns, " | ") + " |\n|---" + strings.Repeat("|---", len(featureColumns)) + "|\n")
	for _, f := range features() {
		b.WriteString("| " + f.name)
		for _, column := range featureColumns {
			cell := table[f.name][column]
			if cell == "" {
				cell = "?"
			}
			b.WriteString(" | " + cell)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}
