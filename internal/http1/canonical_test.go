package http1

import (
	"net/textproto"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// TestCanonicalName demands the form of net/textproto, which net/http has in its
// headers, for names that are known here and others.
func TestCanonicalName(t *testing.T) {
	names := []string{"", "x", "X", "x-y", "-", "--", "-x-", "x_y-z", "x9-9y", "websocket", "SEC-CH-UA", "!#$%&'*+-.^_`|~aB-Cd", "a b", "\xc3\xa4-b", "ETag", "www-authenticate", "Content-Typ", "Content-Types"}
	for known, form := range commonNames {
		assert.Equal(t, form, textproto.CanonicalMIMEHeaderKey(known))
		names = append(names, known, strings.ToUpper(known), strings.ToLower(known), known+"x", strings.ToUpper(known[:1])+strings.ToLower(known[1:]))
	}
	for _, name := range names {
		b := []byte(name)
		got := CanonicalName(b)
		assert.Equal(t, got, textproto.CanonicalMIMEHeaderKey(name))
		clear(b)
		assert.Equal(t, got, textproto.CanonicalMIMEHeaderKey(name), "behind a change of the bytes")
	}
}
