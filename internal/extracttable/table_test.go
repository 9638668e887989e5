package extracttable_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/extracttable"
)

const page = "../../docs/features/extractors-table.md"

// inMemory are the peers that requests of httptest come from.
const inMemory = "192.0.2.0/24"

func TestRows(t *testing.T) {
	t.Parallel()
	app := extracttable.App(inMemory)
	app.Log(slog.New(slog.DiscardHandler))
	assert.NoError(t, app.Build())
	for _, row := range extracttable.Rows() {
		if len(row.Good) == 0 && row.Elsewhere == "" || row.Source == "" {
			t.Errorf("%s has no request that it can read, or no source", row.Name)
		}
		for _, q := range row.Requests() {
			t.Run(q.Name, func(t *testing.T) {
				t.Parallel()
				w := httptest.NewRecorder()
				app.ServeHTTP(w, newRequest(q))
				assert.NoError(t, q.Check(w.Code, w.Result().Header, w.Body.String()))
			})
		}
	}
}

func newRequest(q extracttable.Request) *http.Request {
	r := httptest.NewRequest(q.Method, q.Target, strings.NewReader(q.Body))
	if q.Body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	for _, line := range q.Fields {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	if q.Memory != nil {
		q.Memory(r)
	}
	return r
}

func TestPage(t *testing.T) {
	t.Parallel()
	want := extracttable.Markdown()
	got, err := os.ReadFile(page)
	if err == nil && string(got) == want {
		return
	}
	if os.Getenv("UPDATE_TABLE") == "" {
		t.Fatalf("%s is not as it would be written; see its first lines for how to write it again", page)
	}
	assert.NoError(t, os.WriteFile(page, []byte(want), 0o644))
}
