package conformance_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

const scanLimit = 5 * time.Minute

// excepted are the findings that are not about the defaults of a server of ours, with the reason.
var excepted = map[string]string{
	"cert_chain_of_trust":   "the certificate of the test is self-signed",
	"cert_expirationStatus": "it is valid for days only, so that browsers take its hash",
	"cert_notAfter":         "as above",
	"cert_revocation":       "nobody would answer for a self-signed certificate",
	"DNS_CAArecord":         "localhost has no such record",
	"TLS_session_ticket":    "crypto/tls always says 7 days; what counts is how long the server keeps the keys",
	"HSTS":                  "header fields are the application's",
	"security_headers":      "header fields are the application's",
}

// A finding is one of testssl's.
type finding struct{ ID, Severity, Finding string }

func TestTestssl(t *testing.T) {
	if _, err := exec.LookPath("testssl.sh"); err != nil {
		tool(t, "testssl")
	}
	// Pollers differ in nothing that a scanner of TLS sees.
	wanted := func(to target) bool { return to.tls && to.name != "loop_io_uring/tls" }
	each(t, wanted, func(t *testing.T, s *server) {
		file := filepath.Join(t.TempDir(), "found.json")
		ctx, cancel := context.WithTimeout(t.Context(), scanLimit)
		defer cancel()
		cmd := exec.CommandContext(ctx, "./testssl.sh", "localhost:"+s.port, file)
		cmd.WaitDelay = time.Second
		out, err := cmd.CombinedOutput()
		assert.NoError(t, err, string(out))
		text, err := os.ReadFile(file)
		assert.NoError(t, err)
		var found []finding
		assert.NoError(t, json.Unmarshal(text, &found), string(text))
		for _, want := range []finding{
			{"TLS1_1", "INFO", "not offered"},
			{"TLS1_2", "OK", "offered"},
			{"TLS1_3", "OK", "offered with final"},
			{"ALPN_HTTP2", "OK", "h2"},
			{"cipherlist_STRONG", "OK", "offered"},
		} {
			if !slices.Contains(found, want) {
				t.Errorf("%v is not among what testssl found", want)
			}
		}
		for _, f := range found {
			if bad := []string{"LOW", "MEDIUM", "HIGH", "CRITICAL"}; slices.Contains(bad, f.Severity) && excepted[f.ID] == "" {
				t.Errorf("%s: %s: %s", f.Severity, f.ID, f.Finding)
			}
		}
		if t.Failed() {
			t.Logf("testssl:\n%s", out)
		}
	})
}
