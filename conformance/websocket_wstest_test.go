package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// mostFaults is how many cases are reported in full.
const mostFaults = 20

// verdict is what Autobahn says of a case, and of how its connection was closed.
type verdict struct {
	Behavior      string `json:"behavior"`
	BehaviorClose string `json:"behaviorClose"`
	ReportFile    string `json:"reportfile"`
}

// good is true for what is right in the strict sense, and for what is for information only.
func (v verdict) good() bool {
	fine := []string{"OK", "INFORMATIONAL"}
	return slices.Contains(fine, v.Behavior) && slices.Contains(fine, v.BehaviorClose)
}

// autobahn runs wstest with a specification, until it ends by itself or ctx is done.
func autobahn(ctx context.Context, t *testing.T, mode string, spec map[string]any) *exec.Cmd {
	t.Helper()
	python, script := wsTool(t, ".autobahn/python"), wsTool(t, "wstest.py")
	text, err := json.Marshal(spec)
	assert.NoError(t, err)
	file := filepath.Join(t.TempDir(), "spec.json")
	assert.NoError(t, os.WriteFile(file, text, 0o600))
	cmd := exec.CommandContext(ctx, python, "-W", "ignore", script, "--mode", mode, "--spec", file, "--webport", "0")
	cmd.Dir, cmd.WaitDelay = filepath.Dir(file), 10*time.Second
	return cmd
}

// fuzzServer has Autobahn's client try a server that echoes. Cases that are in apart, by a part of their number, may
// also have that verdict.
func fuzzServer(t *testing.T, url string, cases []string, apart map[string]string) {
	t.Helper()
	limit := autobahnLimit
	if *everything {
		limit *= 12
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	dir := t.TempDir()
	cmd := autobahn(ctx, t, "fuzzingclient", map[string]any{"outdir": dir, "cases": cases, "exclude-cases": []string{},
		"exclude-agent-cases": map[string]any{}, "servers": []any{map[string]any{"agent": "server", "url": url}}})
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("wstest: %v\n%s", err, tail(string(out)))
	}
	judge(t, dir, "server", countOf(cases), apart)
}

// judge reads the reports, which are of as many cases as there were to be.
func judge(t *testing.T, dir, agent string, count int, apart map[string]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "index.json"))
	assert.NoError(t, err)
	var index map[string]map[string]verdict
	assert.NoError(t, json.Unmarshal(text, &index))
	if got := len(index[agent]); got != count {
		t.Errorf("wstest has run %d cases, want %d", got, count)
	}
	faults := 0
	for _, id := range slices.Sorted(maps.Keys(index[agent])) {
		v := index[agent][id]
		want := "OK"
		for prefix, other := range apart {
			if strings.HasPrefix(id+".", prefix+".") {
				want = other
			}
		}
		if v.good() || want != "OK" && v.Behavior == want {
			continue
		}
		if faults++; faults <= mostFaults {
			t.Errorf("case %s: %s, close %s, want %s: %s", id, v.Behavior, v.BehaviorClose, want, explain(dir, v))
		}
	}
	if faults > mostFaults {
		t.Errorf("%d cases in all", faults)
	}
}

// explain is what the report of a case says about it.
func explain(dir string, v verdict) string {
	var report struct {
		Description string `json:"description"`
		Result      string `json:"result"`
		ResultClose string `json:"resultClose"`
	}
	text, err := os.ReadFile(filepath.Join(dir, v.ReportFile))
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.300s\n\tgot: %.500s; %s", report.Description, report.Result, report.ResultClose)
}
