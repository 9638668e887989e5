package extracttable

import (
	"slices"
	"strconv"
	"strings"
)

const intro = `# The extractors

All of them can be the whole input of a typed handler, a field of it, or read by hand with ` + "`tako.Extract`" + `; inside ` + "`tako.Optional`" + `, what is marked ° is no failure. [Extractors](extractors.md) says more.

Written from internal/extracttable, whose tests provoke each failure in each form; ` + "`UPDATE_TABLE=1 go test -run Page ./internal/extracttable`" + ` writes it again. Any body can fail with 408 too, if it comes too slowly.
`

// Markdown returns the page of the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString(intro)
	for _, s := range sections() {
		b.WriteString("\n## " + s.title + "\n\n| extractor | reads | set by | fails with |\n|---|---|---|---|\n")
		for _, r := range s.rows {
			name, kind, _ := strings.Cut(r.Name, " of ")
			if kind != "" {
				kind = " of " + kind
			}
			b.WriteString("| `" + name + "`" + kind + " | " + r.Source + " | " + orNothing(r.Options) + " | " + orNothing(r.failures()) + " |\n")
		}
	}
	return b.String()
}

func (r Row) failures() string {
	var texts []string
	sorted := slices.Clone(r.Failures)
	slices.SortStableFunc(sorted, func(a, b Failure) int { return a.Status - b.Status })
	for _, f := range sorted {
		text := strconv.Itoa(f.Status) + " " + f.Cause
		if f.Absent {
			text = strconv.Itoa(f.Status) + "° " + f.Cause
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "<br>")
}

func orNothing(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
