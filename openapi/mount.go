package openapi

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/tako-go/tako"
)

// Mount serves the document of r's routes at prefix/openapi.json and
// prefix/openapi.yaml, and a page that shows it at prefix. They are routes like
// any other: middleware of r guards them. They are not listed in the document.
//
// The document is built once, when it is first asked for; mistakes in it are
// logged and answered 500. A test that calls [Build] finds them earlier.
func Mount(r *tako.Router, prefix string, cfg Config) {
	if cfg.Off {
		return
	}
	cfg = cfg.withDefaults()
	m := &mounted{router: r, cfg: cfg, page: cfg.UI()}
	m.build = sync.OnceValues(m.represent)
	hidden := []tako.Option{tako.Hidden(), m.mistakes()}
	prefix = strings.TrimSuffix(prefix, "/")
	r.Get(prefix+"/openapi.json", m.serve(func(b *built) *file { return &b.json }), hidden...)
	r.Get(prefix+"/openapi.yaml", m.serve(func(b *built) *file { return &b.yaml }), hidden...)
	if m.page.Name == "" {
		return
	}
	if prefix == "" {
		prefix = "/"
	}
	r.Get(prefix, m.servePage, hidden...)
	for _, name := range m.assets() {
		body, err := m.page.read(name)
		r.Get(path.Join(prefix, name), serveFile(newFile(mime.TypeByExtension(path.Ext(name)), body)), tako.Hidden(), problem(err))
	}
}

// mounted is what Mount has registered.
type mounted struct {
	router *tako.Router
	cfg    Config
	page   Page
	build  func() (*built, error)
}

// built is the document as it is sent.
type built struct{ json, yaml file }

var errNotServed = errors.New("openapi: the router that the document is mounted on is itself mounted in another; set Config.App to the one that is served")

func (m *mounted) represent() (*built, error) {
	app := m.cfg.App
	if app == nil {
		app = m.router
	}
	if len(app.Routes()) == 0 {
		return nil, errNotServed
	}
	doc, err := Build(app, m.cfg)
	if err != nil {
		return nil, err
	}
	text, err := doc.YAML()
	if err != nil {
		return nil, err
	}
	return &built{newFile("application/json", doc.JSON()), newFile("application/yaml", text)}, nil
}

func (m *mounted) serve(which func(*built) *file) tako.Handler {
	return func(c *tako.Context) error {
		b, err := m.build()
		if err != nil {
			return err
		}
		return which(b).serve(c)
	}
}

// servePage writes the page. It is not kept: the path it is asked by is in it.
func (m *mounted) servePage(c *tako.Context) error {
	base := beside(c.Path())
	spec := m.cfg.URL
	if spec == "" {
		spec = base + "openapi.json"
	}
	html, err := m.page.html(m.cfg.Title, base, spec)
	if err != nil {
		return err
	}
	h := c.Header()
	h.Set("Content-Security-Policy", m.page.policy(m.connects()))
	h.Set("Referrer-Policy", "no-referrer")
	f := newFile("text/html; charset=utf-8", html)
	return f.serve(c)
}

// connects lists the origins that the page calls: those of the servers and of the
// document.
func (m *mounted) connects() []string {
	var list []string
	for _, s := range m.cfg.Servers {
		list = append(list, s.origins()...)
	}
	if o := origin(m.cfg.URL); o != "" {
		list = append(list, o)
	}
	return list
}

// assets lists those of the page's files that the page itself loads, and what
// they belong to.
func (m *mounted) assets() []string {
	var names []string
	for _, list := range [][]Asset{m.page.Styles, m.page.Scripts} {
		for _, a := range list {
			if origin(a.URL) == "" {
				names = append(names, a.URL)
			}
		}
	}
	return names
}

// mistakes reports what is wrong with the configuration when the router is built.
func (m *mounted) mistakes() tako.Option {
	return func(op *tako.Operation) {
		if wrong := checkURL(m.cfg.URL); wrong != "" {
			op.AddProblem(fmt.Sprintf("the URL %q of the document %s", m.cfg.URL, wrong))
		}
	}
}

func problem(err error) tako.Option {
	return func(op *tako.Operation) {
		if err != nil {
			op.AddProblem("the page lacks a file: " + err.Error())
		}
	}
}

// file is a body with its entity tag.
type file struct {
	kind, tag string
	body      []byte
}

func newFile(kind string, body []byte) file {
	sum := sha256.Sum256(body)
	return file{kind, `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`, body}
}

func serveFile(f file) tako.Handler { return f.serve }

// serve answers 304 to a client that has the file. It is asked each time, because
// the next version of the service has another one at the same place.
func (f *file) serve(c *tako.Context) error {
	h := c.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Etag", f.tag)
	h.Set("X-Content-Type-Options", "nosniff")
	for _, line := range c.RequestHeaderValues("If-None-Match") {
		for tag := range strings.SplitSeq(line, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == f.tag || tag == "*" {
				return c.WriteHead(http.StatusNotModified)
			}
		}
	}
	return c.Bytes(http.StatusOK, f.kind, f.body)
}
