package openapi

import (
	"errors"
	"fmt"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/schema"
)

// Build makes the document of all routes of app, which it builds if nobody has.
// The routes that are hidden are left out. The errors are those of app.Build, and
// everything that the document would say in two ways.
func Build(app *tako.Router, cfg Config) (*Document, error) {
	if err := app.Build(); err != nil {
		return nil, err
	}
	return build(app.Routes(), cfg)
}

func build(routes []tako.Listed, cfg Config) (*Document, error) {
	b := newBuilder(cfg.withDefaults(), formatsOf(routes))
	for _, called := range b.cfg.Webhooks {
		if called.Operation != nil {
			b.reserve(calledRecord(called.Operation))
		}
	}
	b.list(routes)
	for _, called := range b.cfg.Webhooks {
		b.addWebhook(called)
	}
	components := b.components()
	if err := errors.Join(b.problems...); err != nil {
		return nil, err
	}
	root := new(object)
	root.Set("openapi", "3.1.1")
	root.Set("info", b.cfg.info())
	if servers := b.servers(); len(servers) > 0 {
		root.Set("servers", servers)
	}
	root.Set("security", []*object{}) // what an operation does not ask for is not wanted
	root.Set("paths", b.paths)
	setSome(root, "webhooks", b.webhooks)
	setSome(root, "components", components)
	if tags := b.tagList(); len(tags) > 0 {
		root.Set("tags", tags)
	}
	setLink(root, b.cfg.ExternalDocs)
	return newDocument(root)
}

// builder is a document on its way.
type builder struct {
	cfg      Config
	compiler *schema.Compiler
	parts    *schema.Components
	uses     []use
	problems []error

	paths    *object
	webhooks *object
	ids      map[string]bool   // of the operations so far
	given    map[string]bool   // names that are not to be made up
	keys     map[string]string // shape of a path -> its key
	schemes  map[string]tako.SecurityScheme
	tags     []string
}

// formatsOf returns the formats of all routes. What they check does not matter for a
// document, so that of the first stands for all of its name.
func formatsOf(routes []tako.Listed) map[string]func(string) error {
	all := map[string]func(string) error{}
	for _, route := range routes {
		for name, check := range route.Formats {
			if all[name] == nil {
				all[name] = check
			}
		}
	}
	return all
}

func newBuilder(cfg Config, formats map[string]func(string) error) *builder {
	parts := schema.NewComponents(schemaPrefix)
	parts.Reserve(problemName)
	return &builder{cfg: cfg, compiler: &schema.Compiler{Formats: formats}, parts: parts,
		paths: new(object), webhooks: new(object), ids: map[string]bool{}, given: map[string]bool{}, keys: map[string]string{},
		schemes: map[string]tako.SecurityScheme{}}
}

func (b *builder) mistake(op *tako.Operation, format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf("openapi: %s (%s): %s", op, op.Location, fmt.Sprintf(format, args...)))
}

// use is a schema that is asked for. It is filled in when all are known, because
// only then types have their names.
type use struct {
	target *object
	schema *schema.Schema
	finish func(*object) *object
}

// use returns what will be the schema; finish, which may be nil, makes something
// else of it.
func (b *builder) use(s *schema.Schema, finish func(*object) *object) *object {
	target := new(object)
	b.uses = append(b.uses, use{target, s, finish})
	return target
}

const (
	schemaPrefix = "#/components/schemas/"
	// problemName is that of the schema of failures, and of the response for those
	// that are not listed.
	problemName = "Problem"
)

// components fills in all schemas.
func (b *builder) components() *object {
	for _, u := range b.uses {
		b.parts.Add(u.schema)
	}
	for _, u := range b.uses {
		doc := b.parts.Document(u.schema)
		if u.finish != nil {
			doc = u.finish(doc)
		}
		for name, value := range doc.All() {
			u.target.Set(name, value)
		}
	}
	schemas := b.parts.Definitions()
	schemas.Set(problemName, problemSchema())
	components := new(object)
	components.Set("schemas", schemas)
	components.Set("responses", new(object).Set(problemName, b.problemResponse("Any other failure.", nil)))
	setSome(components, "securitySchemes", b.securitySchemes())
	return components
}

func (b *builder) servers() []*object {
	var list []*object
	for _, s := range b.cfg.Servers {
		list = append(list, s.object())
	}
	return list
}

// tagList has those of the configuration first.
func (b *builder) tagList() []*object {
	var list []*object
	known := map[string]bool{}
	for _, t := range b.cfg.Tags {
		list, known[t.Name] = append(list, t.object()), true
	}
	for _, name := range b.tags {
		if !known[name] {
			list, known[name] = append(list, Tag{Name: name}.object()), true
		}
	}
	return list
}
