package conformance_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// TestOctopusClient has public generators make the example's client of its document
// anew: nothing changes, and what uses the client still has the right types. It does
// so in place, hence it is not parallel to what builds the example.
func TestOctopusClient(t *testing.T) {
	if !*long && os.Getenv("CI") != "true" {
		t.Skip("it downloads compilers")
	}
	tool(t, "npm")
	major, _, _ := strings.Cut(output(t, tool(t, "node"), "-p", "process.versions.node"), ".")
	if n, _ := strconv.Atoi(major); n < 20 {
		t.Skipf("the generators need Node.js 20, this is %s", major)
	}
	const web = "../examples/octopus/web"
	made := map[string]string{}
	for _, name := range []string{"openapi.json", "schema.d.ts", "../page/app.js"} {
		file := filepath.Join(web, name)
		text, err := os.ReadFile(file)
		assert.NoError(t, err)
		made[file] = string(text)
	}
	output(t, web+"/generate.sh")
	for file, before := range made {
		after, err := os.ReadFile(file)
		assert.NoError(t, err)
		if string(after) != before {
			t.Errorf("%s is stale: run %s/generate.sh", filepath.Clean(file), filepath.Clean(web))
			assert.NoError(t, os.WriteFile(file, []byte(before), 0o644))
		}
	}
}
