package conformance_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// linter is a public program that says what is wrong with an OpenAPI document.
type linter struct {
	name string
	run  func(t *testing.T, file string) (string, error)
}

func linters() []linter {
	return []linter{
		{"redocly", func(t *testing.T, file string) (string, error) {
			installed(t, "node_modules/@redocly")
			return command(t, tool(t, "node"), installed(t, "redocly.js"), file)
		}},
		{"spectral", func(t *testing.T, file string) (string, error) {
			return command(t, installed(t, "node_modules/.bin/spectral"), "lint", "--fail-severity=hint",
				"--ruleset", installed(t, "spectral.yaml"), file)
		}},
		{"openapi-spec-validator", func(t *testing.T, file string) (string, error) {
			return command(t, installed(t, ".venv/bin/openapi-spec-validator"), file)
		}},
	}
}

// TestOpenAPILint has linters read the document in both forms. That they find what is
// wrong is tried with an operation that is documented twice and lacks its answers.
func TestOpenAPILint(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		assert.NoError(t, os.WriteFile(path, text, 0o600))
		return path
	}
	o := startOctopus(t, "std")
	text := o.get(t, "/docs/openapi.json")
	good := []string{file("openapi.json", text), file("openapi.yaml", o.get(t, "/docs/openapi.yaml"))}
	bad := file("bad.json", spoilt(t, text))
	for _, l := range linters() {
		t.Run(l.name, func(t *testing.T) {
			for _, path := range good {
				if out, err := l.run(t, path); err != nil {
					t.Errorf("%s: %v\n%s", filepath.Base(path), err, out)
				}
			}
			if out, err := l.run(t, bad); err == nil {
				t.Errorf("nothing is found wrong with a document that is:\n%s", out)
			}
		})
	}
}

// spoilt puts two operations of one id and without answers in the place of the paths.
func spoilt(t *testing.T, text []byte) []byte {
	t.Helper()
	var doc map[string]any
	assert.NoError(t, json.Unmarshal(text, &doc))
	op := map[string]any{"operationId": "twice", "responses": 1}
	doc["paths"] = map[string]any{"/a": map[string]any{"get": op, "put": op}}
	text, err := json.Marshal(doc)
	assert.NoError(t, err)
	return text
}
