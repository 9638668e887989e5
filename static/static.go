package static

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// Dir serves the files of a directory below prefix: GET and HEAD of all paths that
// begin with it and a slash; prefix itself is redirected there. They are one route like any other: middleware of r guards
// it, options adjust it. It is not part of documents.
//
// The directory is opened now and kept, also if it is renamed: it is a mistake that
// [tako.Router.Build] reports if it is not there. What is added, replaced or removed
// in it is seen at once.
func Dir(r *tako.Router, prefix, dir string, cfg Config, options ...tako.Option) {
	t, err := newDirTree(dir)
	if err != nil {
		mount(r, prefix, nil, cfg, append(options, problem("static: "+err.Error())))
		return
	}
	mount(r, prefix, t, cfg, options)
}

// FS is Dir for a file system, such as an embedded one. Files without a date do not
// change while the program runs. For what fsys itself follows links to, it has to
// answer: use Dir in place of [os.DirFS].
func FS(r *tako.Router, prefix string, fsys fs.FS, cfg Config, options ...tako.Option) {
	if fsys == nil {
		mount(r, prefix, nil, cfg, append(options, problem("static: the file system is nil")))
		return
	}
	mount(r, prefix, fsTree{fsys}, cfg, options)
}

func problem(text string) tako.Option { return func(op *tako.Operation) { op.AddProblem(text) } }

func mount(r *tako.Router, prefix string, t tree, cfg Config, options []tako.Option) {
	cfg = cfg.withDefaults()
	for _, wrong := range cfg.validate() {
		options = append(options, problem("static: "+wrong))
	}
	s := newSite(t, cfg, time.Now)
	options = append([]tako.Option{tako.Hidden(), at(callSite())}, options...)
	files := r.Group("")
	files.TrailingSlash(tako.SlashSame) // prefix itself is redirected by find
	files.Get(strings.TrimSuffix(prefix, "/")+"/{file...}", s.serve, options...)
}

// callSite returns the place of the call of Dir or FS, in the form of
// [tako.Operation.Location].
func callSite() string {
	_, file, line, ok := runtime.Caller(3)
	if !ok {
		return "unknown"
	}
	dir, base := filepath.Split(file)
	return fmt.Sprintf("%s/%s:%d", filepath.Base(dir), base, line)
}

func at(where string) tako.Option { return func(op *tako.Operation) { op.Location = where } }

// site is what one mount serves.
type site struct {
	tree tree
	cfg  Config
	tags tags
}

func newSite(t tree, cfg Config, now func() time.Time) *site {
	return &site{tree: t, cfg: cfg, tags: tags{hashBytes: cfg.HashBytes, now: now, kept: map[tagKey]*tag{}}}
}

func (s *site) serve(c *tako.Context) error {
	name, slash, ok := fileName(c.RawParam("file"), s.cfg.DotFiles)
	if !ok {
		return &tako.Error{Status: http.StatusNotFound}
	}
	err := s.find(c, name, slash)
	if e, ok := err.(*missing); ok {
		if failed(e.err) {
			return fmt.Errorf("serve file: %w", e.err)
		}
		return s.fallback(c, name, slash, e.err)
	}
	return err
}

// missing says that there is nothing to be served, and nothing was.
type missing struct{ err error }

func (e *missing) Error() string { return e.err.Error() }

func (e *missing) Unwrap() error { return e.err }

// find answers with a file, an index, a listing, or a redirection to one of these.
func (s *site) find(c *tako.Context, name string, slash bool) error {
	switch {
	case name == "" && !strings.HasSuffix(c.Path(), "/"): // the prefix alone
		if s.showable("") {
			return s.addSlash(c)
		}
		return &missing{fs.ErrNotExist}
	case slash:
		return s.directory(c, name)
	}
	f, err := s.tree.open(name)
	if err != nil {
		return &missing{err}
	}
	defer f.Close()
	switch {
	case f.regular:
		return s.send(c, name, f)
	case f.dir && s.showable(name):
		return s.addSlash(c)
	}
	return &missing{fs.ErrNotExist}
}

// directory answers for a path that ends with a slash.
func (s *site) directory(c *tako.Context, name string) error {
	err := error(&missing{fs.ErrNotExist})
	if !s.cfg.NoIndex {
		err = s.index(c, path.Join(name, s.cfg.Index))
		if _, ok := err.(*missing); !ok {
			return err
		}
	}
	if s.cfg.List {
		return s.list(c, name)
	}
	return err
}

func (s *site) index(c *tako.Context, name string) error {
	f, err := s.tree.open(name)
	if err != nil {
		return &missing{err}
	}
	defer f.Close()
	if !f.regular {
		return &missing{fs.ErrNotExist}
	}
	return s.send(c, name, f)
}

// showable reports whether the directory of this name has anything to show: nobody
// shall learn of one that has not.
func (s *site) showable(name string) bool {
	if s.cfg.List {
		return true
	}
	if s.cfg.NoIndex {
		return false
	}
	f, err := s.tree.open(path.Join(name, s.cfg.Index))
	if err != nil {
		return false
	}
	defer f.Close()
	return f.regular
}

// addSlash redirects to the same path with a slash behind it. The target is relative,
// so it stays on this site and below whatever prefix a proxy or handler has cut off.
func (s *site) addSlash(c *tako.Context) error {
	p := c.Path()
	to := "./" + p[strings.LastIndexByte(p, '/')+1:] + "/"
	if query := c.RawQuery(); query != "" {
		to += "?" + query
	}
	return c.Redirect(http.StatusPermanentRedirect, to)
}

// fallback answers a navigation to a path without a file; err is why there is none.
func (s *site) fallback(c *tako.Context, name string, slash bool, err error) error {
	notFound := &tako.Error{Status: http.StatusNotFound, Err: err}
	if s.cfg.Fallback == "" {
		return notFound
	}
	c.Header().AddVary("Accept")
	if !slash && strings.Contains(path.Base(name), ".") || !wantsPage(c) {
		return notFound
	}
	err = s.index(c, s.cfg.Fallback)
	if e, ok := err.(*missing); ok {
		notFound.Err = e.err
		return notFound
	}
	return err
}

// wantsPage reports whether the client accepts text/html by name, as browsers do where
// they go to a page, and do not for what a page needs.
func wantsPage(c *tako.Context) bool {
	for _, line := range c.RequestHeaderValues("Accept") {
		for item := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
				return c.Accepts("text/html") != ""
			}
		}
	}
	return false
}
