package tako_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token" // the plain name is a type of another test
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// The longest that a file and a function may be before they have to be listed.
const (
	maxFileLines    = 600
	maxFuncLines    = 120
	maxExampleLines = 100
)

// longFiles are tables and generated code, with the reason.
var longFiles = map[string]string{}

// longFuncs are parsers, as "file.go:Name", with the reason.
var longFuncs = map[string]string{}

// sleepers are tests that need real time to pass, with the reason.
var sleepers = map[string]string{}

// A rule returns one text for each place where the tree breaks it.
type rule struct {
	name  string
	check func(*tree) []string
}

var rules = []rule{
	{"package comments", keepPackageComments},
	{"file size", keepFilesShort},
	{"function size", keepFuncsShort},
	{"finished", keepFinished},
	{"no sleep", keepAwake},
	{"go.mod", keepGoMod},
	{"no stray files", keepTidy},
	{"doc comments", keepDocumented},
	{"examples", keepExamplesShort},
	{"links", keepLinks},
	{"snippets", keepSnippetsWhole},
}

func TestRepo(t *testing.T) {
	tr := thisTree(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { report(t, r.check(tr)) })
	}
	for _, list := range []map[string]string{longFiles, longFuncs, sleepers, shadows} {
		for entry, reason := range list {
			file, _, _ := strings.Cut(entry, ":")
			if _, err := os.Stat(file); err == nil && reason == "" {
				t.Errorf("%s: give the reason why it may break the rule", entry)
			}
		}
	}
}

func report(t *testing.T, faults []string) {
	t.Helper()
	for _, fault := range faults {
		t.Error(fault)
	}
}

func keepPackageComments(tr *tree) (faults []string) {
	wants := map[string]string{}
	for _, f := range tr.files {
		if f.test || bytes.Contains(f.src, []byte("\n//go:build ignore\n")) {
			continue
		}
		want := "Package " + f.ast.Name.Name
		if f.ast.Name.Name == "main" {
			want = "Command " + path.Base(f.folder)
		}
		if _, met := wants[f.folder]; !met {
			wants[f.folder] = want
		}
		if doc := strings.Fields(f.ast.Doc.Text()); len(doc) > 2 && strings.Join(doc[:2], " ") == want {
			wants[f.folder] = ""
		}
	}
	for folder, want := range wants {
		if want != "" {
			faults = append(faults, fmt.Sprintf("folder %q: no file has a package comment that starts with %q", folder, want))
		}
	}
	return faults
}

func keepFilesShort(tr *tree) (faults []string) {
	for _, f := range tr.files {
		if n := bytes.Count(f.src, []byte("\n")); !f.test && n > maxFileLines && longFiles[f.path] == "" {
			faults = append(faults, fmt.Sprintf("%s: %d lines; what second idea is in it? (limit %d)", f.path, n, maxFileLines))
		}
	}
	return faults
}

// keepFuncsShort leaves tests out, whose tables are long and simple.
func keepFuncsShort(tr *tree) (faults []string) {
	for _, f := range tr.files {
		for _, fn := range f.funcs() {
			n := f.fset.Position(fn.End()).Line - f.line(fn) + 1
			if !f.test && n > maxFuncLines && longFuncs[f.path+":"+fn.Name.Name] == "" {
				faults = append(faults, fmt.Sprintf("%s:%d: %s has %d lines (limit %d)", f.path, f.line(fn), fn.Name.Name, n, maxFuncLines))
			}
		}
	}
	return faults
}

// unfinished is spelt so that this file does not match it.
var unfinished = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)

func keepFinished(tr *tree) (faults []string) {
	for _, f := range tr.files {
		for _, at := range unfinished.FindAllIndex(f.src, -1) {
			line := 1 + bytes.Count(f.src[:at[0]], []byte("\n"))
			faults = append(faults, fmt.Sprintf("%s:%d: %s: do it, or open an issue", f.path, line, f.src[at[0]:at[1]]))
		}
	}
	return faults
}

// keepAwake allows a sleep inside synctest.Test, where it takes no time.
func keepAwake(tr *tree) (faults []string) {
	for _, f := range tr.files {
		if !f.test || sleepers[f.path] != "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if isCall(call, "time", "Sleep") {
				faults = append(faults, fmt.Sprintf("%s:%d: wait for what happens (synctest, a channel, assert.Eventually), not for time.Sleep", f.path, f.line(n)))
			}
			return !isCall(call, "synctest", "Test")
		})
	}
	return faults
}

func isCall(call *ast.CallExpr, pkg, name string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func keepGoMod(tr *tree) (faults []string) {
	text, err := fs.ReadFile(tr.fsys, "go.mod")
	if err != nil {
		return []string{err.Error()}
	}
	// Modules that say 1.26.0 themselves demand this spelling; 1.26 sorts before it.
	if !regexp.MustCompile(`(?m)^go 1\.26(\.0)?$`).Match(text) {
		faults = append(faults, "go.mod: the go line must be \"go 1.26\" or \"go 1.26.0\", so that any Go 1.26 builds it")
	}
	if regexp.MustCompile(`(?m)^\s*(toolchain|replace)\b|=>`).Match(text) {
		faults = append(faults, "go.mod: no replace and no toolchain: importers would not get them, or would have to download one")
	}
	return faults
}

var (
	rootPages   = []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}
	pageFolders = []string{"docs/...", "bench/...", "examples/...", "conformance/..."}
)

// keepTidy allows *.txt in nested modules, for build files of other languages.
func keepTidy(tr *tree) (faults []string) {
	for _, file := range tr.paths {
		name := path.Base(file)
		switch ext := path.Ext(name); {
		case strings.HasPrefix(name, "NOTES"), ext == ".orig", ext == ".rej", ext == ".txt" && !tr.nested(file):
			faults = append(faults, file+": a stray note or leftover")
		case ext == ".md" && !slices.Contains(rootPages, file) && !coveredBy(pageFolders, path.Dir(file)):
			faults = append(faults, file+": pages live in docs")
		}
	}
	return faults
}

// keepExamplesShort counts main.go only; an example's other files may be longer.
func keepExamplesShort(tr *tree) (faults []string) {
	mains := map[string]int{}
	for _, file := range tr.paths {
		parts := strings.Split(file, "/")
		if len(parts) < 3 || parts[0] != "examples" {
			continue
		}
		example := path.Join(parts[:2]...)
		if file == example+"/main.go" {
			text, _ := fs.ReadFile(tr.fsys, file)
			mains[example] = bytes.Count(text, []byte("\n"))
		} else {
			mains[example] += 0
		}
	}
	for example, n := range mains {
		switch {
		case n == 0:
			faults = append(faults, example+": no main.go")
		case n >= maxExampleLines:
			faults = append(faults, fmt.Sprintf("%s/main.go: %d lines (an example stays under %d)", example, n, maxExampleLines))
		}
	}
	return faults
}

func TestRepoCatches(t *testing.T) {
	long := strings.Repeat("\n", maxFileLines+1)
	tests := []struct {
		name, file, text string
		want             string // "" keeps all rules
	}{
		{"comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n", ""},
		{"no package comment", "queue/a.go", "package queue\n", `starts with "Package queue"`},
		{"package comment of another name", "queue/a.go", "// Package jobs runs jobs.\npackage queue\n", `starts with "Package queue"`},
		{"no command comment", "cmd/tako/main.go", "package main\n", `starts with "Command tako"`},
		{"long file", "queue/a.go", "// Package queue runs jobs.\npackage queue\n" + long, "603 lines"},
		{"long test", "queue/a_test.go", "package queue\n" + long, ""},
		{"long function", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\nfunc f() {" + long[:maxFuncLines] + "}\n", "queue/a.go:4: f has 121 lines"},
		{"unfinished", "queue/a_test.go", "package queue\n\n// TO" + "DO: all of it.\n", "queue/a_test.go:3: TO" + "DO"},
		{"sleep", "queue/a_test.go", "package queue\n\nfunc f() { time.Sleep(1) }\n", "queue/a_test.go:3: wait for what happens"},
		{"sleep in a bubble", "queue/a_test.go", "package queue\n\nfunc f() { synctest.Test(t, func() { time.Sleep(1) }) }\n", ""},
		{"first release", "go.mod", "module m\n\ngo 1.26.0\n", ""},
		{"newer go", "go.mod", "module m\n\ngo 1.26.8\n", "the go line must be"},
		{"replace", "go.mod", "module m\n\ngo 1.26\n\nreplace a.b/c => ../c\n", "no replace"},
		{"toolchain", "go.mod", "module m\n\ngo 1.26\n\ntoolchain go1.27.3\n", "no replace and no toolchain"},
		{"text file", "store/ideas.txt", "", "stray note"},
		{"notes", "bench/NOTES.md", "", "stray note"},
		{"build file of a nested module", "bench/CMakeLists.txt", "", ""},
		{"page out of place", "store/README.md", "", "pages live in docs"},
		{"fixture", "static/testdata/robots.txt", "", ""},
		{"function without comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\nfunc F() {}\n", "queue/a.go:4: F has no comment"},
		{"method without comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\n// T is.\ntype T[E any] struct{}\n\nfunc (t *T[E]) M() {}\n", "queue/a.go:7: T.M has no comment"},
		{"method of an unexported type", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\ntype t struct{}\n\nfunc (t) M() {}\n", ""},
		{"interface method without comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\n// T is.\ntype T interface{ A(); B(); C(); M() }\n", "T.M has no comment"},
		{"small type", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\n// T is.\ntype T struct{ A, B int }\n", ""},
		{"field without comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\n// T is.\ntype T struct {\n\t// A is.\n\tA, C, D int\n\n\tB int\n}\n", "queue/a.go:9: T.B has no comment"},
		{"fields that share a comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\n// T is.\ntype T struct {\n\t// A and B are.\n\tA, C, D int\n\tB int\n}\n", ""},
		{"constants that share a comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\n// Kinds.\nconst (\n\tA = 1\n\tB = 2\n)\n", ""},
		{"variable without comment", "queue/a.go", "// Package queue runs jobs.\npackage queue\n\nvar ErrFull error\n", "ErrFull has no comment"},
		{"internal", "internal/a/a.go", "// Package a is.\npackage a\n\nfunc F() {}\n", ""},
		{"part of a command", "cmd/tako/dev/a.go", "// Package dev is.\npackage dev\n\nfunc F() {}\n", ""},
		{"example without main", "examples/hello/app.go", "// Command hello greets.\npackage main\n", "examples/hello: no main.go"},
		{"long example", "examples/hello/main.go", "// Command hello greets.\npackage main\n" + long[:maxExampleLines], "examples/hello/main.go: 102 lines"},
		{"link", "docs/a.md", "[rules](../go.mod#x) and [site](https://tako.example/)\n", ""},
		{"broken link", "docs/a.md", "See\n[rules](../gone.md).\n", "docs/a.md:2: ../gone.md"},
		{"link in code", "docs/a.md", "`[a](b)`\n\n```text\n[a](b)\n```\n", ""},
		{"heading", "docs/a.md", "# What is `New`?\n\n[up](#what-is-new)\n", ""},
		{"no such heading", "docs/a.md", "# What\n\n[up](#why)\n", "docs/a.md:3: #why"},
		{"whole snippet", "docs/a.md", "```go\n// main.go\npackage main\n```\n", ""},
		{"fragment", "docs/a.md", "- so:\n  ```go fragment\n  x := 1\n  ```\n", ""},
		{"unmarked fragment", "docs/a.md", "so:\n\n```go\nx := 1\n```\n", "docs/a.md:3: a go block"},
		{"snippet that reaches in", "README.md", "```go\npackage main\n\nimport \"" + module + "/internal/assert\"\n```\n", "README.md:1: users cannot import"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"go.mod": "module m\n\ngo 1.26\n", "bench/go.mod": "module m/bench\n"}
			files[tt.file] = tt.text
			wantFault(t, rules, fakeTree(t, files), tt.want)
		})
	}
}

// wantFault fails unless exactly the wanted fault is found, by any rule.
func wantFault(t *testing.T, rules []rule, tr *tree, want string) {
	t.Helper()
	var faults []string
	for _, r := range rules {
		faults = append(faults, r.check(tr)...)
	}
	all := strings.Join(faults, "\n")
	if want == "" && all != "" || !strings.Contains(all, want) {
		t.Errorf("got faults %q, want %q", all, want)
	}
}

// A tree is what the rules look at: all paths, and the parsed Go files of the
// root module. Left out is what the go tool ignores, and what is not ours.
type tree struct {
	fsys     fs.FS
	paths    []string
	modules  []string // the folders of nested modules
	files    []*goFile
	stdNames map[string]bool // set for the import laws
}

type goFile struct {
	path   string
	folder string // "" is the root
	test   bool
	src    []byte
	fset   *gotoken.FileSet
	ast    *ast.File
}

func thisTree(t *testing.T) *tree {
	t.Helper()
	tr, err := readTree(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func fakeTree(t *testing.T, files map[string]string) *tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for file, text := range files {
		fsys[file] = &fstest.MapFile{Data: []byte(text)}
	}
	tr, err := readTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func readTree(fsys fs.FS) (*tree, error) {
	tr := &tree{fsys: fsys}
	err := fs.WalkDir(fsys, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if file != "." && (strings.ContainsAny(d.Name()[:1], "._") || slices.Contains([]string{"testdata", "target", "node_modules"}, d.Name())) {
				return fs.SkipDir
			}
			if _, err := fs.Stat(fsys, path.Join(file, "go.mod")); err == nil && file != "." {
				tr.modules = append(tr.modules, file)
			}
			return nil
		}
		tr.paths = append(tr.paths, file)
		if path.Ext(file) != ".go" || tr.nested(file) {
			return nil
		}
		f, err := readGoFile(fsys, file)
		tr.files = append(tr.files, f)
		return err
	})
	return tr, err
}

func readGoFile(fsys fs.FS, file string) (*goFile, error) {
	src, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	fset := gotoken.NewFileSet()
	parsed, err := parser.ParseFile(fset, file, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	folder := strings.TrimPrefix(path.Dir(file), ".")
	return &goFile{file, folder, strings.HasSuffix(file, "_test.go"), src, fset, parsed}, nil
}

func (tr *tree) nested(file string) bool {
	return slices.ContainsFunc(tr.modules, func(m string) bool { return strings.HasPrefix(file, m+"/") })
}

func (f *goFile) line(n ast.Node) int { return f.fset.Position(n.Pos()).Line }

func (f *goFile) funcs() (all []*ast.FuncDecl) {
	for _, decl := range f.ast.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			all = append(all, fn)
		}
	}
	return all
}
