package ascii

import (
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestMediaType(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "text": "", "text/": "", "/plain": "", "text/pl ain": "", "a/b, c/d": "",
		"text/plain": "text/plain", " Text/PLAIN\t;charset=x": "text/plain", "a/b+c": "a/b+c",
	} {
		assert.Equal(t, MediaType(given), want, given)
	}
}

func TestHasMedia(t *testing.T) {
	t.Parallel()
	types := []string{"application/json", "+json"}
	for media, want := range map[string]bool{
		"application/json": true, "application/problem+json": true, "application/jsonx": false,
		"application/+json": false, "text/json": false, "": false,
	} {
		assert.Equal(t, HasMedia(types, media), want, media)
	}
}
