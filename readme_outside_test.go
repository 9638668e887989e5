package tako_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func contents(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	assert.NoError(t, err)
	return string(text)
}

// What README.md says of its twenty lines is so.
func TestOutsideReadme(t *testing.T) {
	type greet struct {
		Name  string `path:"name"`
		Times int    `query:"times" default:"1"`
	}
	text := contents(t, "README.md")
	for _, line := range []string{"Name  string `path:\"name\"`", "Times int    `query:\"times\" default:\"1\"`", `tako.Get(app, "/hello/{name}"`, "localhost:8080/hello/octopus?times=x"} {
		assert.Contains(t, text, line)
	}
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Text(200, "Hello, World!") })
	tako.Get(app, "/hello/{name}", func(_ context.Context, in greet) (greet, error) { return in, nil })
	s := takotest.New(t, app)
	s.Get("/").Expect(200).ExpectText("Hello, World!")
	var got greet
	s.Get("/hello/octopus").Expect(200).JSON(&got)
	assert.Equal(t, got, greet{"octopus", 1})
	wrong := s.Get("/hello/octopus?times=x").Problem(400)
	assert.Equal(t, wrong.Fields[0].Name, "times")
	// What is there is not among what is planned.
	planned := text[strings.Index(text, "Not there yet"):]
	planned = planned[:strings.Index(planned, "\n")]
	for name, dir := range map[string]string{"WebSocket": "stream/ws", "SSE": "stream/sse", "gRPC": "grpc", "GraphQL": "graphql", "stores": "store", "queues": "queue"} {
		_, err := os.Stat(dir)
		assert.Equal(t, strings.Contains(planned, name), os.IsNotExist(err), name)
	}
}

// README.md names every package outside internal, docs/README.md every page and example, and
// CHANGELOG.md every example.
func TestOutsideLists(t *testing.T) {
	readme, pages, changes := contents(t, "README.md"), contents(t, filepath.Join("docs", "README.md")), contents(t, "CHANGELOG.md")
	for _, pattern := range []string{"features", "how-to", "tutorial", "decisions"} {
		all, err := filepath.Glob(filepath.Join("docs", pattern, "*.md"))
		assert.NoError(t, err)
		assert.Equal(t, len(all) > 0, true, pattern)
		for _, name := range all {
			assert.Contains(t, pages, "("+pattern+"/"+filepath.Base(name)+")")
		}
	}
	examples, err := os.ReadDir("examples")
	assert.NoError(t, err)
	for _, e := range examples {
		if e.IsDir() {
			assert.Contains(t, pages, "(../examples/"+e.Name()+"/")
			assert.Equal(t, regexp.MustCompile(`[ ,]`+regexp.QuoteMeta(e.Name())+`[,. ]`).MatchString(changes), true, e.Name())
		}
	}
	for _, dir := range []string{"stream", "transport", "middleware", "runtime", "codec", "auth", "validation"} {
		assert.Contains(t, readme, dir+"/")
	}
	dirs, err := os.ReadDir(".")
	assert.NoError(t, err)
	for _, d := range dirs {
		if d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			assert.Contains(t, readme, d.Name()+"/")
		}
	}
	for _, link := range regexp.MustCompile(`\]\(([^):#]+)`).FindAllStringSubmatch(readme, -1) {
		_, err := os.Stat(link[1])
		assert.NoError(t, err)
	}
}
