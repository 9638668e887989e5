package report

import (
	"slices"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := Median(slices.Clone(tt.values)); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestSpreadOf(t *testing.T) {
	same := func(v float64) float64 { return v }
	if got, want := SpreadOf([]float64{4, 1, 2}, same), (Spread[float64]{2, 1, 4}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := SpreadOf(nil, same); got != (Spread[float64]{}) {
		t.Errorf("of nothing: got %v", got)
	}
}

func TestTable(t *testing.T) {
	columns := []Column[string]{
		{Name: "name", Left: true, Value: func(s string) string { return s }},
		{Name: "µs", Value: strings.ToUpper},
	}
	table := NewTable(columns, []string{"a", "octopus"})
	if got, want := table.Text(), []string{"name          µs", "a              A", "octopus  OCTOPUS"}; !slices.Equal(got, want) {
		t.Errorf("text: got %q, want %q", got, want)
	}
	want := []string{"| name    |      µs |", "| --- | ---: |", "| a       |       A |", "| octopus | OCTOPUS |"}
	if got := table.Markdown(); !slices.Equal(got, want) {
		t.Errorf("markdown: got %q, want %q", got, want)
	}
}

func TestQuoted(t *testing.T) {
	got := strings.Join(quoted([]string{"-ours", "", "-rivals", "a b", "-x", "it's"}), " ")
	if want := `-ours '' -rivals 'a b' -x 'it'\''s'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
