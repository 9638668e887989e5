package ascii

import (
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestListItems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value string
		want  []string
	}{
		{"", nil},
		{" \t", nil},
		{",", nil},
		{", ,\t,", nil},
		{"a", []string{"a"}},
		{" a ,\tb,c ", []string{"a", "b", "c"}},
		{"a b,c", []string{"a b", "c"}},
		{`a="x,y", b`, []string{`a="x,y"`, "b"}},
		{`"a","b"`, []string{`"a"`, `"b"`}},
		{`a="x\"y", b`, []string{`a="x\"y"`, "b"}},
		{`a="x\",y", b`, []string{`a="x\",y"`, "b"}},
		{`a="x\\", b`, []string{`a="x\\"`, "b"}},
	}
	for _, tt := range tests {
		assert.Equal(t, slices.Collect(ListItems(tt.value)), tt.want, tt.value)
	}
}

// FuzzHeaderList checks that a list is the same after its members are joined again.
func FuzzHeaderList(f *testing.F) {
	for _, seed := range []string{"", "a", "a,b", " a ,\t, b", `"a,b",c`, `"a`, `a="\"",b`, ",", `\",`, `"\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		items := slices.Collect(ListItems(value))
		total := 0
		for _, item := range items {
			if item == "" || Trim(item) != item {
				t.Fatalf("%q: got %q", value, items)
			}
			if !strings.Contains(item, `"`) && strings.Contains(item, ",") {
				t.Fatalf("%q: got %q, which has a comma", value, items)
			}
			total += len(item)
		}
		if total > len(value) {
			t.Fatalf("%q: got %q, more than there is", value, items)
		}
		if again := slices.Collect(ListItems(strings.Join(items, ", "))); !slices.Equal(again, items) {
			t.Fatalf("%q: got %q, then %q", value, items, again)
		}
		for range ListItems(value) {
			break
		}
	})
}
