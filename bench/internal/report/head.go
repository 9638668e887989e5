package report

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Fact is one line above a table.
type Fact struct{ Name, Text string }

// Call is how the running command was called, as one would type it.
func Call() string {
	return strings.Join(append([]string{"go run ./" + filepath.Base(os.Args[0])}, quoted(os.Args[1:])...), " ")
}

func quoted(args []string) []string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = arg
		if arg == "" || strings.ContainsAny(arg, " \t'\"*?$&;|<>()") {
			words[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return words
}

// TextFacts are for terminals, MarkdownFacts a list.
func TextFacts(facts []Fact) []string {
	lines := make([]string, len(facts))
	for i, f := range facts {
		lines[i] = fmt.Sprintf("%-9s %s", f.Name+":", f.Text)
	}
	return lines
}

// MarkdownFacts see TextFacts.
func MarkdownFacts(facts []Fact) []string {
	lines := make([]string, len(facts))
	for i, f := range facts {
		lines[i] = fmt.Sprintf("- %s: %s", f.Name, f.Text)
	}
	return lines
}

// PrintMarkdown writes the facts, the table and the notes below it.
func PrintMarkdown(w io.Writer, facts []Fact, table Table, notes []string) error {
	lines := append(MarkdownFacts(facts), "")
	lines = append(lines, table.Markdown()...)
	if len(notes) > 0 {
		lines = append(append(lines, ""), notes...)
	}
	return WriteLines(w, lines)
}

// WriteLines ends each line.
func WriteLines(w io.Writer, lines []string) error {
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}
