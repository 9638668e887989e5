package coding

import (
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// negotiations are the cases of CO-02: the lines of the field, joined by "\n", and what is
// chosen of br, zstd, gzip and deflate; "-" if nothing is acceptable.
var negotiations = map[string]string{
	"":                                    "identity",
	",":                                   "identity",
	"br":                                  "br",
	"gzip":                                "gzip",
	"GZIP":                                "gzip",
	"x-gzip":                              "gzip",
	"gzip, deflate, br, zstd":             "br",
	"gzip, deflate":                       "gzip",
	"gzip\nzstd":                          "zstd",
	"br;q=0.5, gzip;q=0.8":                "gzip",
	"br;q=0.5,gzip;q=0.500":               "br",
	"br ; q=0.001 , gzip\t;\tq=0.002":     "gzip",
	"br;Q=0.1, gzip;Q=0.2":                "gzip",
	"br;q=0, gzip;q=1.000":                "gzip",
	"br;q=0":                              "identity",
	"br;q=0.0":                            "identity",
	"br;q=0., gzip;q=1.":                  "gzip",
	"*":                                   "br",
	"*;q=0":                               "-",
	"*;q=0, gzip":                         "gzip",
	"gzip, *;q=0":                         "gzip",
	"br;q=0, *":                           "zstd",
	"br;q=0.1, *;q=0.5":                   "zstd",
	"*;q=0.5, br;q=0.1":                   "zstd",
	"identity":                            "identity",
	"identity;q=0":                        "-",
	"identity;q=0, gzip":                  "gzip",
	"identity;q=0, br;q=0":                "-",
	"identity;q=0, x-unknown":             "-",
	"identity;q=0.5, *;q=0":               "identity",
	"identity, gzip;q=0.5":                "identity",
	"identity, gzip":                      "gzip",
	"identity;q=0.5, gzip":                "gzip",
	"compress, x-unknown":                 "identity",
	"gzip;q=":                             "identity",
	"gzip;q=, deflate":                    "deflate",
	"gzip;q=2, deflate;q=0.1":             "deflate",
	"gzip;q=1.001, deflate;q=0.1":         "deflate",
	"gzip;q=0.0001, deflate":              "deflate",
	"gzip;q=-1, deflate":                  "deflate",
	"gzip;q=.5, deflate":                  "deflate",
	"gzip;q=0,5":                          "identity",
	"gzip;level=1, deflate":               "deflate",
	"gzip;q=1;x=2, deflate":               "deflate",
	"gz ip, deflate":                      "deflate",
	"\"gzip\", deflate":                   "deflate",
	";q=1, deflate":                       "deflate",
	"identity;q=, *;q=":                   "identity",
	"gzip;q=0, gzip":                      "identity",
	strings.Repeat("a,", 10_000) + "gzip": "gzip",
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	for accept, want := range negotiations {
		got, ok := Negotiate(strings.Split(accept, "\n"), all)
		if !ok {
			assert.Equal(t, got, Identity, accept)
			got = "-"
		}
		assert.Equal(t, got, want, accept)
	}
	got, ok := Negotiate(nil, all)
	assert.Equal(t, got, Identity)
	assert.Equal(t, ok, true)
}

func TestNegotiateOrder(t *testing.T) {
	t.Parallel()
	accept := []string{"gzip, br;q=0.9, zstd"}
	for want, available := range map[string][]string{
		"gzip": {Brotli, Gzip, Zstd}, "zstd": {Identity, Zstd, Gzip}, "br": {Brotli}, Identity: nil,
	} {
		got, ok := Negotiate(accept, available)
		assert.Equal(t, got, want)
		assert.Equal(t, ok, true)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{"": false, "gzip": false, "identity;q=0": true, "*;q=0, gzip": true, "*;q=0, identity;q=0.1": false, "*": false} {
		assert.Equal(t, Refuses([]string{accept}), want, accept)
	}
}

// FuzzAcceptEncoding checks that nothing but what is available comes out, that the order
// of different codings does not matter, and that only a zero refuses.
func FuzzAcceptEncoding(f *testing.F) {
	for accept := range negotiations {
		if len(accept) < 1000 {
			f.Add(accept)
		}
	}
	f.Fuzz(func(t *testing.T, accept string) {
		got, ok := Negotiate([]string{accept}, all)
		if got != Identity && !slices.Contains(all, got) {
			t.Fatalf("%q gives %q", accept, got)
		}
		if !ok && (got != Identity || !strings.Contains(accept, "0")) {
			t.Fatalf("%q gives %q, refused", accept, got)
		}
		if got != Identity {
			if only, ok := Negotiate([]string{accept}, []string{got}); only != got || !ok {
				t.Fatalf("%q gives %q of all, %q if it stands alone", accept, got, only)
			}
		}
		if split, _ := Negotiate([]string{"", accept}, all); split != got {
			t.Fatalf("%q gives %q, behind an empty line %q", accept, got, split)
		}
	})
}
