package conformance_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// h2specCases is how many h2spec 2.2.1 has with -S, which adds one to the 145.
const h2specCases = 146

// knownOfReference are the cases that net/http fails, some of them not always.
var knownOfReference = []string{
	"http2/3.5: Sends invalid connection preface",
	"http2/4.2: Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE",
	"http2/6.5.3: Sends multiple values of SETTINGS_INITIAL_WINDOW_SIZE",
	"http2/6.9.1: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the connection-specific header field",
	"http2/8.1.2.2: Sends a HEADERS frame that contains the TE header field with any value other than \"trailers\"",
}

// A junit is what h2spec writes with -j.
type junit struct {
	Suites []struct {
		Cases []junitCase `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitCase struct {
	Package string    `xml:"package,attr"`
	Name    string    `xml:"classname,attr"`
	Failure string    `xml:"failure"` // what was expected, and last what came
	Error   string    `xml:"error"`
	Skipped *struct{} `xml:"skipped"`
}

// fault says what went wrong, "" if nothing.
func (c junitCase) fault() string {
	if c.Skipped != nil {
		return "skipped"
	}
	lines := strings.Split(strings.TrimSpace(c.Failure+c.Error), "\n")
	if lines[0] == "" {
		return ""
	}
	last := len(lines) - 1
	return "expected " + strings.Join(lines[:last], " or ") + "; actual " + lines[last]
}

func TestH2spec(t *testing.T) {
	h2spec := tool(t, "h2spec")
	each(t, nil, func(t *testing.T, s *server) {
		file := filepath.Join(t.TempDir(), "report.xml")
		args := []string{"-S", "-h", s.host, "-p", s.port, "-o", "2", "-j", file}
		if s.tls {
			args = append(args, "-t", "-k")
		}
		out, _ := command(t, h2spec, args...) // its status says what the report does
		text, err := os.ReadFile(file)
		assert.NoError(t, err, out)
		var report junit
		assert.NoError(t, xml.Unmarshal(text, &report))
		passed, known := 0, 0
		for _, suite := range report.Suites {
			for _, c := range suite.Cases {
				name, fault := c.Package+": "+c.Name, c.fault()
				switch {
				case fault == "":
					passed++
				case *reference && slices.Contains(knownOfReference, name):
					known++
				default:
					t.Errorf("%s\n%s", name, fault)
				}
			}
		}
		assert.Equal(t, passed+known, h2specCases, "cases that passed")
		t.Logf("%d of %d passed", passed, h2specCases)
	})
}
