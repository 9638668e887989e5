package tako_test

import (
	"fmt"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tako-go/tako"

// public is what a user of the module can import.
var public = []string{
	"", "extract", "codec/*", "auth/*", "middleware", "middleware/*", "runtime/*",
	"transport", "transport/*", "stream/*", "grpc", "graphql", "openapi", "openapi/*", "static",
	"client", "queue", "signals", "observe", "observe/*", "store", "store/*", "takotest",
}

// arrows says what each folder may import of this module. "" is the root, "x/*"
// every folder directly below x, "x/..." x and all below it; the most specific
// row counts. A row may be older than its folder.
var arrows = map[string][]string{
	"":                      {"internal/..."},
	"extract":               {"", "internal/..."},
	"codec/*":               {"", "internal/..."},
	"auth/*":                {"", "store", "internal/..."},
	"middleware":            {"", "internal/..."},
	"middleware/*":          {"", "middleware", "store", "internal/..."},
	"runtime/*":             {"", "transport", "internal/..."},
	"transport":             {"", "internal/..."},
	"transport/*":           {"", "transport", "internal/..."},
	"stream/*":              {"", "internal/..."},
	"stream/webtransport":   {"", "transport/h3", "internal/..."},
	"grpc":                  {"", "codec/protobuf", "internal/..."},
	"graphql":               {"", "stream/ws", "stream/sse", "internal/..."},
	"openapi":               {"", "internal/..."},
	"openapi/*":             {"", "openapi", "internal/..."},
	"static":                {"", "internal/..."},
	"client":                {"", "internal/..."},
	"queue":                 {"", "store", "internal/..."},
	"signals":               {"", "store", "internal/..."},
	"observe":               {"", "internal/..."},
	"observe/*":             {"", "observe", "internal/..."},
	"store":                 {"", "internal/..."},
	"store/*":               {"store", "internal/..."},
	"takotest":              {"", "runtime/*", "internal/..."},
	"validation/*":          {"", "internal/..."},
	"internal/...":          {"internal/..."},
	"internal/dispatch":     {"", "internal/..."},
	"internal/codecbody":    {"", "internal/..."},
	"internal/drainonce":    {"", "internal/..."},
	"internal/extracttable": {"", "extract", "codec/*", "auth/*", "internal/..."},
	"internal/http2serve":   {"", "internal/..."},
	"internal/proxyproto":   {"", "internal/..."},
	"internal/runtimetest":  {"", "extract", "openapi", "openapi/*", "codec/*", "auth/*", "runtime/*", "transport", "transport/*", "takotest", "internal/..."},
	"internal/soak":         {"", "internal/..."},
	"cmd/...":               slices.Concat(public, []string{"internal/...", "cmd/..."}),
	"examples/...":          slices.Concat(public, []string{"examples/..."}),
}

// choosers are the only folders that may see a runtime, whatever arrows says:
// elsewhere the choice is the user's.
var choosers = []string{"takotest", "cmd/...", "examples/...", "internal/runtimetest"}

// stdOnly folders reach nothing but the standard library, also through the
// internal packages they import.
var stdOnly = []string{"", "extract", "middleware"}

// homes names the only folder that may import each outside module. What several
// folders need is wrapped once. golang.org/x is free outside stdOnly.
var homes = map[string]string{
	"github.com/andybalholm/brotli":          "internal/coding",
	"github.com/fsnotify/fsnotify":           "transport",
	"github.com/fxamacker/cbor/v2":           "codec/cbor",
	"github.com/go-chi/chi/v5":               "examples/nethttp",
	"github.com/go-playground/validator/v10": "validation/playground",
	"github.com/goccy/go-json":               "codec/simdjson",
	"github.com/goccy/go-yaml":               "openapi",
	"github.com/golang-jwt/jwt/v5":           "auth/jwt",
	"github.com/jackc/pgx/v5":                "store/postgres",
	"github.com/klauspost/compress":          "internal/coding",
	"github.com/mdlayher/vsock":              "transport",
	"github.com/nats-io/nats.go":             "store/nats",
	"github.com/quic-go/quic-go":             "transport/h3",
	"github.com/quic-go/webtransport-go":     "stream/webtransport",
	"github.com/redis/go-redis/v9":           "store/redis",
	"github.com/swaggo/files/v2":             "openapi/swaggerui",
	"github.com/tinylib/msgp":                "codec/msgpack",
	"github.com/ugorji/go/codec":             "codec/msgpack",
	"github.com/vektah/gqlparser/v2":         "graphql",
	"google.golang.org/protobuf":             "codec/protobuf",
}

// alsoAt are further folders of a module whose types its neighbours' APIs are made of.
var alsoAt = map[string][]string{
	"github.com/quic-go/quic-go": {"stream/webtransport", "transport/quic"},
}

// oracles are outside modules that tests of other folders import too, with the
// reason. Each is in go.mod of everybody who uses this module, so they are few.
var oracles = map[string]string{
	"google.golang.org/protobuf":                                    "bodies of Protobuf need a message",
	"github.com/quic-go/quic-go":                                    "HTTP/3 needs a client",
	"github.com/santhosh-tekuri/jsonschema/v6":                      "validation must agree with the schemas it is told by",
	"github.com/pires/go-proxyproto":                                "PROXY headers that others write must be read",
	"github.com/go-chi/chi/v5":                                      "its middleware must run unchanged under Std",
	"go.opentelemetry.io/otel":                                      "its middleware must run unchanged under Std",
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp": "its middleware must run unchanged under Std",
}

// suites are folders that only tests import.
var suites = []string{"internal/extracttable", "internal/runtimetest"}

// shadows are the packages that may be called like one of the standard library.
var shadows = map[string]string{
	"internal/multipart": "stands in for mime/multipart, so no file needs both",
}

var laws = []rule{
	{"arrows", keepArrows},
	{"runtimes", keepRuntimesUnseen},
	{"standard library only", keepStdOnly},
	{"homes", keepHomes},
	{"no init", keepNoInit},
	{"names", keepNames},
}

func TestImportLaws(t *testing.T) {
	tr := thisTree(t)
	tr.stdNames = stdNames(t)
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) { report(t, law.check(tr)) })
	}
}

// keepArrows leaves tests out: they may look at the module from anywhere.
func keepArrows(tr *tree) (faults []string) {
	for _, folder := range tr.folders() {
		if _, known := arrowsOf(folder); !known {
			faults = append(faults, fmt.Sprintf("folder %q: add a row to arrows in arrows_test.go that says what it may import", folder))
		}
	}
	for f, to := range tr.ownImports() {
		if may, known := arrowsOf(f.folder); known && !coveredBy(may, to) {
			faults = append(faults, fmt.Sprintf("%s: %q must not import %q; see arrows in arrows_test.go", f.path, f.folder, to))
		}
	}
	return faults
}

func keepRuntimesUnseen(tr *tree) (faults []string) {
	for f, to := range tr.ownImports() {
		within := strings.HasPrefix(to+"/", f.folder+"/") || strings.HasPrefix(f.folder+"/", to+"/")
		if covers("runtime/...", to) && !within && !coveredBy(choosers, f.folder) {
			faults = append(faults, fmt.Sprintf("%s: %q must not see %q: users choose the runtime", f.path, f.folder, to))
		}
	}
	return faults
}

func keepStdOnly(tr *tree) (faults []string) {
	for _, f := range tr.files {
		if f.test || !slices.Contains(stdOnly, f.folder) {
			continue
		}
		for _, imp := range f.imports() {
			if chain := tr.wayOut(imp, nil); chain != "" {
				faults = append(faults, fmt.Sprintf("%s: %q reaches %s, and may reach the standard library only", f.path, f.folder, chain))
			}
		}
	}
	return faults
}

// keepHomes looks at tests too: what only a test imports is in go.mod as well,
// and is among the oracles.
func keepHomes(tr *tree) (faults []string) {
	for _, f := range tr.files {
		for _, imp := range f.imports() {
			if isStd(imp) || isOwn(imp) || strings.HasPrefix(imp, "golang.org/x/") {
				continue
			}
			home, known := moduleOf(homes, imp)
			also, _ := moduleOf(alsoAt, imp)
			_, oracle := moduleOf(oracles, imp)
			switch {
			case (f.test || slices.Contains(suites, f.folder)) && oracle:
			case !known:
				faults = append(faults, fmt.Sprintf("%s: add the module of %q to homes in arrows_test.go, with its only folder", f.path, imp))
			case home != f.folder && !slices.Contains(also, f.folder):
				faults = append(faults, fmt.Sprintf("%s: only %q may import %q", f.path, home, imp))
			}
		}
	}
	return faults
}

func keepNoInit(tr *tree) (faults []string) {
	for _, f := range tr.files {
		for _, fn := range f.funcs() {
			if !f.test && fn.Recv == nil && fn.Name.Name == "init" {
				faults = append(faults, fmt.Sprintf("%s:%d: importing a package must not do anything: no init", f.path, f.line(fn)))
			}
		}
	}
	return faults
}

func keepNames(tr *tree) (faults []string) {
	for _, f := range tr.files {
		name := f.ast.Name.Name
		if f.test || name == "main" || shadows[f.folder] != "" || !tr.stdNames[name] {
			continue
		}
		if fault := fmt.Sprintf("package %q: the standard library has a %s already", f.folder, name); !slices.Contains(faults, fault) {
			faults = append(faults, fault)
		}
	}
	return faults
}

// arrowsOf finds the most specific row for a folder.
func arrowsOf(folder string) ([]string, bool) {
	if may, ok := arrows[folder]; ok {
		return may, true
	}
	if may, ok := arrows[path.Dir(folder)+"/*"]; ok {
		return may, true
	}
	for up := folder; up != "."; up = path.Dir(up) {
		if may, ok := arrows[up+"/..."]; ok {
			return may, true
		}
	}
	return nil, false
}

// covers tells whether a pattern of the arrows table means folder.
func covers(pattern, folder string) bool {
	if top, ok := strings.CutSuffix(pattern, "/..."); ok {
		return folder == top || strings.HasPrefix(folder, top+"/")
	}
	if top, ok := strings.CutSuffix(pattern, "/*"); ok {
		return path.Dir(folder) == top
	}
	return folder == pattern
}

func coveredBy(patterns []string, folder string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return covers(p, folder) })
}

func isOwn(imp string) bool { return imp == module || strings.HasPrefix(imp, module+"/") }

// isStd goes by the missing dot, as the go command does; "C" is cgo.
func isStd(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return imp != "C" && !isOwn(imp) && !strings.Contains(first, ".")
}

func ownFolder(imp string) string {
	return strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
}

// moduleOf finds the entry of the module that imp belongs to.
func moduleOf[T any](table map[string]T, imp string) (entry T, known bool) {
	for mod := imp; mod != "."; mod = path.Dir(mod) {
		if entry, known = table[mod]; known {
			return entry, true
		}
	}
	return entry, false
}

// wayOut returns the imports that lead from imp to something outside the
// standard library, "" when none does.
func (tr *tree) wayOut(imp string, seen []string) string {
	if isStd(imp) || slices.Contains(seen, imp) {
		return ""
	}
	if !isOwn(imp) {
		return imp
	}
	seen = append(seen, imp)
	for _, f := range tr.files {
		if f.test || f.folder != ownFolder(imp) {
			continue
		}
		for _, next := range f.imports() {
			if chain := tr.wayOut(next, seen); chain != "" {
				return imp + " -> " + chain
			}
		}
	}
	return ""
}

// ownImports yields what the files that are no tests import of this module, as
// folders.
func (tr *tree) ownImports() func(yield func(*goFile, string) bool) {
	return func(yield func(*goFile, string) bool) {
		for _, f := range tr.files {
			for _, imp := range f.imports() {
				if !f.test && isOwn(imp) && !yield(f, ownFolder(imp)) {
					return
				}
			}
		}
	}
}

func (tr *tree) folders() []string {
	set := map[string]bool{}
	for _, f := range tr.files {
		set[f.folder] = true
	}
	return slices.Sorted(maps.Keys(set))
}

func (f *goFile) imports() (all []string) {
	for _, spec := range f.ast.Imports {
		if imp, err := strconv.Unquote(spec.Path.Value); err == nil {
			all = append(all, imp)
		}
	}
	return all
}

// stdNames asks the go command, as the list grows with each release.
func stdNames(t *testing.T) map[string]bool {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Name}} {{.ImportPath}}", "std").Output()
	if err != nil {
		t.Fatalf("go list std: %v", err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		name, imp, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.Contains("/"+imp+"/", "/internal/") && !strings.HasPrefix(imp, "vendor/") {
			names[name] = true
		}
	}
	return names
}

func TestImportLawsCatch(t *testing.T) {
	std := stdNames(t)
	tests := []struct {
		name  string
		files map[string]string // path: what it imports, "." for this module
		want  string            // "" keeps all laws
	}{
		{"leaf to root", map[string]string{"middleware/a.go": ". fmt"}, ""},
		{"root to leaf", map[string]string{"a.go": "./middleware"}, `"" must not import "middleware"`},
		{"root to internal", map[string]string{"a.go": "./internal/ascii", "internal/ascii/a.go": "strings"}, ""},
		{"root to internal to x", map[string]string{"a.go": "./internal/a", "internal/a/a.go": "./internal/b", "internal/b/a.go": "golang.org/x/net/idna"}, "internal/a -> github.com/tako-go/tako/internal/b -> golang.org/x/net/idna"},
		{"root to x", map[string]string{"a.go": "golang.org/x/net/idna"}, `"" reaches golang.org/x/net/idna`},
		{"cgo at the root", map[string]string{"a.go": "C"}, `"" reaches C`},
		{"x in a leaf", map[string]string{"runtime/loop/a.go": "golang.org/x/sys/unix"}, ""},
		{"middleware to a store", map[string]string{"middleware/a.go": "./store"}, `"middleware" must not import "store"`},
		{"its folder to a store", map[string]string{"middleware/session/a.go": ". ./store"}, ""},
		{"sibling to sibling", map[string]string{"middleware/session/a.go": "./middleware/ratelimit"}, `"middleware/session" must not import "middleware/ratelimit"`},
		{"leaf to runtime", map[string]string{"openapi/a.go": "./runtime/std"}, `"openapi" must not see "runtime/std"`},
		{"runtime to runtime", map[string]string{"runtime/loop/a.go": "./runtime/std"}, `"runtime/loop" must not see "runtime/std"`},
		{"test to runtime", map[string]string{"openapi/a_test.go": "./runtime/std"}, ""},
		{"test kit to runtime", map[string]string{"takotest/a.go": "./runtime/loop"}, ""},
		{"test kit to a driver", map[string]string{"takotest/a.go": "./store/redis"}, `"takotest" must not import "store/redis"`},
		{"drawn exceptions", map[string]string{"graphql/a.go": "./stream/ws ./stream/sse", "grpc/a.go": "./codec/protobuf", "stream/webtransport/a.go": "./transport/h3"}, ""},
		{"no exception", map[string]string{"stream/ws/a.go": "./transport/h3"}, `"stream/ws" must not import "transport/h3"`},
		{"engine to root", map[string]string{"internal/http1/a.go": "."}, `"internal/http1" must not import ""`},
		{"example to internal", map[string]string{"examples/hello/a.go": "./internal/assert"}, `"examples/hello" must not import "internal/assert"`},
		{"at home", map[string]string{"store/postgres/a.go": "./store github.com/jackc/pgx/v5/pgxpool"}, ""},
		{"away from home", map[string]string{"queue/a.go": "github.com/jackc/pgx/v5"}, `only "store/postgres" may import`},
		{"away from home in a test", map[string]string{"queue/a_test.go": "github.com/jackc/pgx/v5"}, `only "store/postgres" may import`},
		{"oracle in a test", map[string]string{"queue/a_test.go": "github.com/go-chi/chi/v5/middleware"}, ""},
		{"oracle outside tests", map[string]string{"queue/a.go": "github.com/go-chi/chi/v5/middleware"}, `only "examples/nethttp" may import`},
		{"no home", map[string]string{"queue/a.go": "example.com/jobs"}, `add the module of "example.com/jobs" to homes`},
		{"unknown folder", map[string]string{"pkg/util/a.go": "fmt"}, `folder "pkg/util": add a row to arrows`},
		{"standard name", map[string]string{"transport/tls/a.go": "fmt"}, `package "transport/tls": the standard library has a tls already`},
		{"command", map[string]string{"examples/errors/main.go": ". ./runtime/loop"}, ""},
		{"nested module", map[string]string{"bench/go.mod": "", "bench/gin/a.go": "github.com/gin-gonic/gin ./internal/http1"}, ""},
		{"folder the go tool ignores", map[string]string{"_old/a.go": "example.com/jobs", "static/testdata/a.go": "example.com/jobs"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := fakeTree(t, importing(tt.files))
			tr.stdNames = std
			wantFault(t, laws, tr, tt.want)
		})
	}
	t.Run("init", func(t *testing.T) {
		tr := fakeTree(t, map[string]string{
			"queue/a.go":      "package queue\n\nfunc init() {}\n",
			"queue/a_test.go": "package queue\n\nfunc init() {}\n",
			"queue/b.go":      "package queue\n\ntype b struct{}\n\nfunc (b) init() {}\n",
		})
		wantFault(t, laws, tr, "queue/a.go:3: importing a package must not do anything")
	})
	t.Run("home that is standard library only", func(t *testing.T) {
		for mod, home := range homes {
			if slices.Contains(stdOnly, home) {
				t.Errorf("%s: %q cannot be its home", mod, home)
			}
		}
	})
}

// importing turns "path: imports" into source text.
func importing(files map[string]string) map[string]string {
	out := map[string]string{}
	for file, imports := range files {
		name := path.Base(path.Dir(file))
		switch {
		case path.Base(file) == "main.go":
			name = "main"
		case name == ".":
			name = "tako"
		}
		text := "package " + name + "\n"
		for _, imp := range strings.Fields(imports) {
			if rest, own := strings.CutPrefix(imp, "."); own {
				imp = module + rest
			}
			text += fmt.Sprintf("import %q\n", imp)
		}
		out[file] = text
	}
	return out
}
