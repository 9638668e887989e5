package conformance_test

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// TestSchemathesis has a client that knows the document alone call all operations,
// with what they allow and what they do not, in sequences too. There must be no 5xx,
// no status, media type, header or body that the document has not, no wrong input
// that is taken and no good one that is refused. The seed is fixed; the exceptions
// are in tools/schemathesis.toml, each with its reason.
func TestSchemathesis(t *testing.T) {
	eachOctopus(t, func(t *testing.T, o *octopus) {
		schemathesis := installed(t, ".venv/bin/schemathesis")
		o.signUp(t)
		examples, limit := "30", 2*time.Minute
		if *long {
			examples, limit = "100", 10*time.Minute
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		cmd := exec.CommandContext(ctx, schemathesis, "--config-file", installed(t, "schemathesis.toml"),
			"run", o.base+"/docs/openapi.json", "--checks", "all", "--max-examples", examples)
		cmd.Dir, cmd.WaitDelay = t.TempDir(), 10*time.Second
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, findings(string(out)))
		}
		for _, phase := range []string{"Examples", "Coverage", "Fuzzing", "Stateful"} {
			assert.Contains(t, string(out), "✅ "+phase)
		}
	})
}

// signUp makes the user that schemathesis.toml signs in.
func (o *octopus) signUp(t *testing.T) {
	t.Helper()
	resp, err := http.Post(o.base+"/api/v1/users", "application/json", strings.NewReader(`{"name":"me","password":"eight arms"}`))
	assert.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, resp.StatusCode, http.StatusCreated)
}

// findings leaves out how far a run has come, and most of lines as long as bodies are.
func findings(out string) string {
	const most = 1000
	var b strings.Builder
	_, found, ok := strings.Cut(out, "\n===")
	if !ok {
		found = out
	}
	for line := range strings.Lines(found) {
		if len(line) > most {
			line = line[:most] + "...\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
