package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/tako-go/tako"
)

// Document is an OpenAPI 3.1 document. It does not change, and may be used by
// several goroutines.
type Document struct{ json []byte }

// A Format is how a document is written.
type Format string

// The formats of documents.
const (
	JSON Format = "json"
	YAML Format = "yaml"
)

// JSON returns the document as indented JSON with a line end. The same routes give
// the same bytes. The caller must not change them.
func (d *Document) JSON() []byte { return d.json }

// YAML returns the document as YAML 1.2, in the order of the JSON.
func (d *Document) YAML() ([]byte, error) {
	text, err := toYAML(d.json)
	if err != nil {
		return nil, fmt.Errorf("write document as YAML: %w", err)
	}
	return text, nil
}

// MarshalJSON returns the document.
func (d *Document) MarshalJSON() ([]byte, error) { return d.json, nil }

// Write builds the document of app and writes it, for commands and tests:
//
//	if *printAPI {
//		return openapi.Write(os.Stdout, app, cfg, openapi.YAML)
//	}
func Write(w io.Writer, app *tako.Router, cfg Config, format Format) error {
	if format != JSON && format != YAML {
		return fmt.Errorf("openapi: unknown format %q, use %q or %q", format, JSON, YAML)
	}
	doc, err := Build(app, cfg)
	if err != nil {
		return err
	}
	text := doc.json
	if format == YAML {
		if text, err = doc.YAML(); err != nil {
			return err
		}
	}
	_, err = w.Write(text)
	return err
}

func newDocument(root *object) (*Document, error) {
	compact, err := root.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("openapi: write document: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, compact, "", "  "); err != nil {
		return nil, fmt.Errorf("openapi: write document: %w", err)
	}
	b.WriteByte('\n')
	return &Document{b.Bytes()}, nil
}
