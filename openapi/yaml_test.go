package openapi_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
)

// sameAsYAML reports whether a document with text in many places says the same in
// both formats.
func sameAsYAML(t *testing.T, text string) {
	t.Helper()
	app := tako.New()
	app.Get("/", nothing, tako.Tags(text))
	cfg := openapi.Config{Title: "x" + text, Version: text + "1", Description: text, Summary: text + "\n\n" + text,
		Tags: []openapi.Tag{{Name: text, Description: text + text}}}
	doc, err := openapi.Build(app, cfg)
	assert.NoError(t, err)
	out, err := doc.YAML()
	assert.NoError(t, err)
	var fromYAML, fromJSON any
	if err := yaml.Unmarshal(out, &fromYAML); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	back, err := json.Marshal(fromYAML)
	assert.NoError(t, err)
	assert.NoError(t, json.Unmarshal(back, &fromYAML))
	assert.NoError(t, json.Unmarshal(doc.JSON(), &fromJSON))
	assert.Equal(t, fromYAML, fromJSON, text)
}

func TestYAMLOfOddTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\n\tReefs of the world.\n\n\tMore.\n", "Line one.\r\nLine two.\r\n", "Try:\n\n\tcurl https://x\n", "a\t", "\t", "a\tb: c", "a\r\n\r\nb",
		" a ", "a:", "a #b", "NULL", "e1", "é", "\U000e0001", "\U0001F600", "a \n b"} {
		sameAsYAML(t, text)
	}
	pieces := []string{" ", "\n", "\t", "#", ":", "-", "a", "b", "'", "\"", "\\", "|", ">", "&", "*", "!", "%", "@", "`", "{", "}", "[", "]", ",", "?", "~", "null", "1", ".", "e",
		"\u0085", "\u2028", "\ufeff", "\r", "\x00", "\x7f", "é", "\U0001F600", "0x", "yes", "---", "...", "=", "<<", "+", "_", "true", "2020-01-01", "12:30:45", "/", "$", "1.2.3"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		text := ""
		for range 1 + r.IntN(6) {
			text += pieces[r.IntN(len(pieces))]
		}
		sameAsYAML(t, text)
	}
}

func TestGivenNamesAreKept(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/users", nothing)
	r.Get("/users2", nothing)
	r.Get("/v2/users", nothing, tako.Name("getUsers"))
	r.Get("/v3/users", nothing, tako.Name("getUsers2"))
	doc := build(t, r, openapi.Config{})
	for path, want := range map[string]string{"/v2/users": "getUsers", "/v3/users": "getUsers2", "/users": "getUsers3", "/users2": "getUsers22"} {
		assert.Equal(t, at(doc, "paths", path, "get", "operationId"), any(want), path)
	}
}
