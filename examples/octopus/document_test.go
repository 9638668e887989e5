package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// printed is what -openapi prints.
func printed(t *testing.T, format string) string {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	assert.NoError(t, run(t.Context(), settings{openapi: format}, &out))
	return out.String()
}

// The client of the page is generated from a copy of the document.
func TestClientIsFresh(t *testing.T) {
	kept, err := os.ReadFile("web/openapi.json")
	assert.NoError(t, err)
	if printed(t, "json") != string(kept) {
		t.Error("the API has changed since the client of the page was generated; run examples/octopus/web/generate.sh")
	}
}

func TestDocument(t *testing.T) {
	srv := newTest(t)
	srv.Get("/docs/openapi.json").Expect(200).ExpectText(printed(t, "json"))
	srv.Get("/docs/openapi.yaml").Expect(200).ExpectText(printed(t, "yaml"))
	if err := run(t.Context(), settings{openapi: "xml"}, io.Discard); err == nil || !strings.Contains(err.Error(), `"xml"`) {
		t.Errorf("got %v", err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			Description string
			OperationID string `json:"operationId"`
			Tags        []string
			Security    []map[string][]string
			Responses   map[string]any
		}
		Tags []struct{ Name, Description string }
	}
	assert.NoError(t, json.Unmarshal([]byte(printed(t, "json")), &doc))
	for path, item := range doc.Paths {
		for method, op := range item {
			if op.OperationID == "" || op.Description == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s is described by %+v", method, path, op)
			}
			if wants := op.Responses["401"] != nil && op.OperationID != "signIn"; wants != (len(op.Security) == 1) {
				t.Errorf("%s %s has the security %v", method, path, op.Security)
			}
		}
	}
	for _, tag := range doc.Tags {
		if tag.Description == "" {
			t.Errorf("tag %s is not described", tag.Name)
		}
	}
}

// Each page loads what this service has, and nothing else.
func TestDocs(t *testing.T) {
	srv := newTest(t)
	for _, path := range []string{"/docs", "/docs/swagger"} {
		page := srv.Get(path).Expect(200).ExpectHeader("Content-Type", "text/html; charset=utf-8")
		policy := page.Header.Get("Content-Security-Policy")
		for _, outside := range []string{"https:", "http:", "*", "unsafe-eval"} {
			if strings.Contains(policy, outside) {
				t.Errorf("%s: the policy %q has %q", path, policy, outside)
			}
		}
		if policy == contentPolicy || !strings.Contains(policy, "connect-src 'self'") {
			t.Errorf("%s: got policy %q, want one of its own", path, policy)
		}
		if !strings.Contains(page.Text, "openapi.json") || strings.Contains(page.Text, "https://") {
			t.Errorf("%s: got %s", path, page.Text)
		}
	}
}
