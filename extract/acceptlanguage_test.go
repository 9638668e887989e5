package extract

import (
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestAcceptLanguage(t *testing.T) {
	t.Parallel()
	supported := []string{"en", "de", "zh-Hant", "pt-BR", "sr-Latn-RS"}
	tests := []struct {
		accept, want string
		ok           bool
	}{
		{"", "en", true},
		{"de", "de", true},
		{"DE-ch-1996", "de", true},
		{"fr, de;q=0.5", "de", true},
		{"de;q=0.1, zh-Hant-TW;q=0.9", "zh-Hant", true},
		{"pt", "en", false}, // lookup does not lengthen a range
		{"zh-Hant-x-private", "zh-Hant", true},
		{"sr-Latn-RS-x-a", "sr-Latn-RS", true},
		{"fr", "en", false},
		{"*", "en", true},
		{"en;q=0, *", "de", true},
		{"fr, *;q=0.1", "en", true},
		{"en;q=0.1, de;q=0.2, *;q=0.5", "zh-Hant", true},
		{"en;q=0", "en", false},
		{"de-CH, de;q=0", "en", false}, // what a range was shortened to is refused
		{"*;q=0", "en", false},
		{"de-CH, *;q=0", "de", true},
		{"d%e, ü, -de, de-, toolonglanguage", "en", true},
		{"de;q=x", "en", true},
		{strings.Repeat("de-", 40) + "de", "en", true},
		{"fr;q=0.5, *;q=0, pt-br;q=0.4", "pt-BR", true},
	}
	for _, tt := range tests {
		a := AcceptLanguage{parseLanguages([]string{tt.accept})}
		got, ok := a.Match(supported...)
		assert.Equal(t, got, tt.want, tt.accept)
		assert.Equal(t, ok, tt.ok, tt.accept)
	}
	got, ok := AcceptLanguage{}.Match()
	assert.Equal(t, got, "")
	assert.Equal(t, ok, false)
}

func TestAcceptLanguageOrder(t *testing.T) {
	t.Parallel()
	a := AcceptLanguage{parseLanguages([]string{"fr;q=0.5, de, en;q=0", "nl;q=0.5, sv;q=0.75"})}
	assert.Equal(t, a.Tags(), []string{"de", "sv", "fr", "nl"})
	assert.Equal(t, a.String(), "de, sv;q=0.75, fr;q=0.5, nl;q=0.5, en;q=0")
	assert.Equal(t, rewritten(t, &a).Get("Accept-Language"), a.String())
	assert.Equal(t, len(rewritten(t, &AcceptLanguage{})), 0)
}

func FuzzAcceptLanguage(f *testing.F) {
	for _, seed := range []string{"", "*", "de-CH, de;q=0.5, *;q=0", "zh-Hant-x-a", "x-y-z;q=0.001", ",,;;q=", "en;q=0,en"} {
		f.Add(seed)
	}
	supported := []string{"en", "de", "zh-Hant"}
	f.Fuzz(func(t *testing.T, value string) {
		a := AcceptLanguage{parseLanguages([]string{value})}
		assert.Equal(t, len(a.Ranges) <= maxPreferences, true)
		tag, ok := a.Match(supported...)
		assert.Equal(t, slices.Contains(supported, tag), true, tag)
		if !ok {
			assert.Equal(t, tag, "en")
		}
		if r := a.closest(tag); ok && r != nil {
			assert.Equal(t, r.Quality > 0, true, tag)
		}
		assert.Equal(t, parseLanguages([]string{a.String()}), a.Ranges, a.String())
	})
}
