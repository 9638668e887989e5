package extracttable_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/extracttable"
)

// TestDescribed wants each failure of the table, but those of the program itself,
// in what the extractor tells documents. Parameters and bodies of the root are left
// to who writes the documents: they know how every one of these fails.
func TestDescribed(t *testing.T) {
	t.Parallel()
	app := extracttable.App()
	assert.NoError(t, app.Build())
	operations := map[string]*tako.Operation{}
	for _, listed := range app.Routes() {
		operations[listed.Path] = listed.Operation
	}
	for _, row := range extracttable.Rows() {
		if strings.HasPrefix(row.Name, "tako.") || row.Elsewhere != "" {
			continue
		}
		for _, form := range []string{extracttable.Whole, extracttable.Field, extracttable.Optional} {
			op := operations[row.Pattern(form)]
			if op == nil {
				t.Fatalf("%s has no route for %s", row.Name, form)
			}
			for _, f := range row.Failures {
				described := func(d tako.Failure) bool { return d.Status == f.Status && d.When != "" }
				absent := f.Absent && form == extracttable.Optional
				if f.Status != 500 && !absent && !slices.ContainsFunc(op.Failures(), described) {
					t.Errorf("%s/%s does not describe %d: %s", row.Name, form, f.Status, f.Cause)
				}
			}
		}
	}
}
