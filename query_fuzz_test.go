package tako

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/assert"
)

func TestParseValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		query string
		want  url.Values
	}{
		{"", url.Values{}},
		{"&&&", url.Values{}},
		{"a", url.Values{"a": {""}}},
		{"a=", url.Values{"a": {""}}},
		{"=a", url.Values{"": {"a"}}},
		{"a=1&a=2&b=3", url.Values{"a": {"1", "2"}, "b": {"3"}}},
		{"a=1=2", url.Values{"a": {"1=2"}}},
		{"a+b=c+d", url.Values{"a b": {"c d"}}},
		{"%61=%62", url.Values{"a": {"b"}}},
		{"a=1%2C2,3", url.Values{"a": {"1,2,3"}}},
		{"a=%26%3d", url.Values{"a": {"&="}}},
		{"a=1;b=2", url.Values{"a": {"1;b=2"}}},
		{"a=%c3%a9", url.Values{"a": {"é"}}},
		{"a=%00", url.Values{"a": {"\x00"}}},
	}
	for _, tt := range tests {
		got, err := parseValues(tt.query, "query")
		assert.NoError(t, err, tt.query)
		assert.Equal(t, got, tt.want, tt.query)
	}
	for _, query := range []string{"%", "a=%", "a=%4", "a=%zz", "%zz=a", "a=1&b=%g0", "a=%ff", "%c3=a",
		strings.Repeat("a&", 1000) + "a", strings.Repeat("a=1&", 100_000)} {
		got, err := parseValues(query, "query")
		if err == nil {
			t.Errorf("%.40q: got %d values, want an error", query, len(got))
			continue
		}
		assert.Equal(t, AsError(err).Status, http.StatusBadRequest, query[:min(len(query), 40)])
	}
	got, err := parseValues(strings.TrimSuffix(strings.Repeat("a&", 1000), "&"), "query")
	assert.NoError(t, err, "as many as allowed")
	assert.Equal(t, len(got["a"]), 1000)
}

// FuzzQuery compares with net/url: the same values wherever both accept a query,
// and what is refused here alone has a reason.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a", "=", "&&", "a=%zz", "a=%", "a+b=%20", "a;b", "a=1;b=2", "%61=%C3%A9",
		"a=%ff", "a=é", "a==&=&a=", "a[]=1&a[]=2", "%00=%00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got, err := parseValues(query, "query")
		want, wantErr := url.ParseQuery(query)
		if err == nil && wantErr == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %q, want %q", query, got, want)
		}
		if err == nil && wantErr != nil && !strings.Contains(query, ";") {
			t.Fatalf("%q: got %q, net/url refuses it: %v", query, got, wantErr)
		}
		if err != nil && wantErr == nil && strings.Count(query, "&") < maxPairs {
			broken := false
			for key, values := range want {
				broken = broken || !utf8.ValidString(key) || slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) })
			}
			if !broken {
				t.Fatalf("%q: got error %v, want %q", query, err, want)
			}
		}
		for key, values := range got {
			if !utf8.ValidString(key) || len(values) == 0 {
				t.Fatalf("%q: got %q", query, got)
			}
		}
	})
}

func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"", "a", "%41", "%", "%4", "a+b", "%2B", "%zz", "%00", "\xff", "%%41"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		segment, ok := unescapeSegment(s)
		want, err := url.PathUnescape(s)
		if ok != (err == nil) || ok && segment != want {
			t.Fatalf("%q as a segment: got %q, %v, want %q, %v", s, segment, ok, want, err)
		}
		query, ok := unescapeQuery(s)
		want, err = url.QueryUnescape(s)
		if ok != (err == nil) || ok && query != want {
			t.Fatalf("%q in a query: got %q, %v, want %q, %v", s, query, ok, want, err)
		}
	})
}

type fuzzedForm struct {
	A string   `form:"a"`
	B []string `form:"b"`
	C *string  `form:"c"`
	D string   `form:"d" default:"dflt"`
}

// FuzzForm compares the fields of a form with the values net/url finds.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"", "a=1", "a=1&a=2", "b=1&b=2&b", "c", "c=%", "d=", "d=x", "a=%zz", "a=+%2B", "b=%ff"} {
		f.Add(seed)
	}
	fields, err := plainChecks.formFields(reflect.TypeFor[fuzzedForm]())
	assert.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		var got fuzzedForm
		err := decodeForm(nil, fields, unsafe.Pointer(&got), body)
		if err != nil {
			assert.Equal(t, AsError(err).Status, http.StatusBadRequest, body)
			return
		}
		values, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		want := fuzzedForm{A: values.Get("a"), B: values["b"], D: "dflt"}
		if values.Has("c") {
			c := values.Get("c")
			want.C = &c
		}
		if values.Has("d") {
			want.D = values.Get("d")
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %+v, want %+v", body, got, want)
		}
	})
}

// FuzzAccept checks what holds for every Accept field.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"", "*/*", "text/html", "text/html;q=0, */*;q=0.5", "text/*;q=0.3, text/html;q=0.7",
		"image/*", "text/html;q=999", "text/html;q=NaN", "text/html;qq=1", "a/b;c=\"d,e\"", ",,,", "text", "*/html",
		"text/html;level=1;q=0.4", "TEXT/HTML;Q=0.1", `text/html;a="x;q=0"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		_, any1 := quality(accept, "text/html")
		for _, offer := range []string{"text/html", "application/json", "image/png"} {
			q, valid := quality(accept, offer)
			if q < 0 || q > 1000 || q > 0 && !valid || valid != any1 {
				t.Fatalf("%q: %s has weight %d, valid %v, elsewhere %v", accept, offer, q, valid, any1)
			}
			if upper, _ := quality(strings.ToUpper(accept), offer); upper != q && strings.ToLower(accept) == strings.ToLower(strings.ToUpper(accept)) {
				t.Fatalf("%q: %s has weight %d, in upper case %d", accept, offer, q, upper)
			}
			if !strings.Contains(accept, `"`) && !strings.Contains(accept, offer) && ascii.IsFieldValue(accept) {
				if q, _ := quality(accept+","+offer+";q=0", offer); q != 0 && !strings.Contains(strings.ToLower(accept), offer) {
					t.Fatalf("%q: refused %s has weight %d", accept, offer, q)
				}
			}
		}
	})
}

// FuzzCookies compares with net/http: the same pairs wherever it accepts the line.
func FuzzCookies(f *testing.F) {
	for _, seed := range []string{"", "a=1", "a=1; b=2", `a="1"`, `a="`, "a", "=a", "a=b=c", "a=1;;b=2", " a=1 ", "a= 1",
		"a =1", "a=\"x y\"", "a=é", "a=\x00", "a=1; =; b", `a=""`, "a,b=1", "a=1,b=2"} {
		f.Add(seed)
	}
	type pair struct{ name, value string }
	f.Fuzz(func(t *testing.T, line string) {
		var got []pair
		for name, value := range cookiePairs(line) {
			if !ascii.IsToken(name) || !ascii.IsFieldValue(value) || strings.ContainsAny(value, ";\t") {
				t.Fatalf("%q: got %q=%q", line, name, value)
			}
			got = append(got, pair{name, value})
		}
		cookies, err := http.ParseCookie(line)
		if err != nil || !ascii.IsFieldValue(line) {
			return
		}
		var want []pair
		for _, c := range cookies {
			want = append(want, pair{c.Name, c.Value})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: got %q, want %q", line, got, want)
		}
	})
}
