package openapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		assert.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	assert.NoError(t, err)
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("%s, line %d: got %q, want %q; run go test ./openapi -update if that is right", name, i+1, gotLines[i], wantLines[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d", name, len(gotLines), len(wantLines))
}

func TestGolden(t *testing.T) {
	app, cfg := demo()
	doc, err := openapi.Build(app, cfg)
	assert.NoError(t, err)
	golden(t, "demo.json", doc.JSON())
	text, err := doc.YAML()
	assert.NoError(t, err)
	golden(t, "demo.yaml", text)
}

// build returns the document as any reader of JSON sees it.
func build(t *testing.T, app *tako.Router, cfg openapi.Config) map[string]any {
	t.Helper()
	doc, err := openapi.Build(app, cfg)
	assert.NoError(t, err)
	valid(t, doc.JSON())
	var v map[string]any
	assert.NoError(t, json.Unmarshal(doc.JSON(), &v))
	return v
}

// at follows names into a document.
func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// valid checks a document against the schema of OpenAPI 3.1, and each schema in it
// against JSON Schema 2020-12.
func valid(t *testing.T, doc []byte) {
	t.Helper()
	schema, err := os.ReadFile("testdata/openapi-3.1.json")
	assert.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	assert.NoError(t, err)
	assert.NoError(t, c.AddResource("https://tako.example/openapi", parsed))
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
	assert.NoError(t, err)
	compiled, err := c.Compile("https://tako.example/openapi")
	assert.NoError(t, err)
	if err := compiled.Validate(instance); err != nil {
		t.Errorf("the document is not valid OpenAPI 3.1: %v", err)
	}
	assert.NoError(t, c.AddResource("https://tako.example/document", instance))
	schemas, _ := at(instance, "components", "schemas").(map[string]any)
	for name := range schemas {
		if _, err := c.Compile("https://tako.example/document#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
}

func TestYAMLSaysTheSame(t *testing.T) {
	app, cfg := demo()
	cfg.Description = "a: b\n\t\"quoted\" # no comment\n- 'yes'\n\u2028 end "
	cfg.Version = "1.10"
	cfg.Tags = append(cfg.Tags, openapi.Tag{Name: "no", Description: "0x1F"}, openapi.Tag{Name: "1e3", Description: "null"}, openapi.Tag{Name: "2020-01-01", Description: "~"})
	doc, err := openapi.Build(app, cfg)
	assert.NoError(t, err)
	text, err := doc.YAML()
	assert.NoError(t, err)
	var fromYAML, fromJSON any
	assert.NoError(t, yaml.Unmarshal(text, &fromYAML))
	back, err := json.Marshal(fromYAML)
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(back, &fromYAML))
	assert.NoError(t, json.Unmarshal(doc.JSON(), &fromJSON))
	assert.Equal(t, fromYAML, fromJSON)
}

func TestSameBytes(t *testing.T) {
	var first []byte
	for range 5 {
		var b bytes.Buffer
		app, cfg := demo()
		assert.NoError(t, openapi.Write(&b, app, cfg, openapi.JSON))
		if first == nil {
			first = b.Bytes()
		}
		if !bytes.Equal(first, b.Bytes()) {
			t.Fatal("the same routes gave different bytes")
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	app, cfg := demo()
	err := openapi.Write(new(bytes.Buffer), app, cfg, "xml")
	if err == nil {
		t.Fatal("got no error for an unknown format")
	}
	assert.Contains(t, err.Error(), `unknown format "xml"`)
}

func TestBuildReportsTheRouter(t *testing.T) {
	app := tako.New()
	app.Get("/{", nothing)
	if _, err := openapi.Build(app, openapi.Config{}); err == nil {
		t.Fatal("got no error for a router with mistakes")
	}
}
