package conformance_test

import (
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// TestWebSocketChromium has a browser talk to both forms of handlers: over HTTP/1.1 in clear, and
// over HTTP/2 (RFC 8441) where the page came by that.
func TestWebSocketChromium(t *testing.T) {
	eachRuntime(t, func(t *testing.T, to target) {
		b := openBrowser(t)
		b.call(t, "Security.setIgnoreCertificateErrors", map[string]any{"ignore": true}, nil)
		s := start(t, to.with("-listen", "http://127.0.0.1:0,https://127.0.0.1:0"))
		for i, scheme := range []string{"http://", "https://"} {
			b.open(t, scheme+s.addrs[i]+"/ws/page")
			const result = `document.getElementById("result")?.textContent`
			b.await(t, result+`?.startsWith("result: ")`)
			const rest = " extensions permessage-deflate subprotocol echo.v2 messages 8 wrong 0 close 4321 true"
			protocol, place := []string{"HTTP/1.1", "HTTP/2"}[i], ""
			if scheme == "http://" && strings.HasPrefix(to.name, "loop") {
				place = " on the loop"
			}
			assert.Equal(t, b.eval(t, result), "result: protocol "+protocol+rest+"; protocol "+protocol+place+rest)
			assert.Equal(t, b.complaints(), "")
		}
	})
}
