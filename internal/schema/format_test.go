package schema_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/schema"
)

func TestFormats(t *testing.T) {
	label := strings.Repeat("a", 63)
	for format, texts := range map[string]struct{ pass, fail []string }{
		"date-time": {
			[]string{"2030-01-31T12:00:00Z", "2030-01-31T12:00:00.123456789-23:59", "0000-01-01T00:00:00Z", "2030-01-31t12:00:00z", "1998-12-31T23:59:60Z", "1998-12-31T15:59:60.123-08:00"},
			[]string{"", "2030-01-31", "2030-01-31 12:00:00Z", "2030-01-31T12:00:00", "2030-02-29T12:00:00Z", "2016-12-31T23:58:60Z", "2016-12-31T22:59:60Z", "2030-01-31T12:00:00.Z", "2030-01-31T12:00:00,5Z", "2030-01-31T1:00:00Z", "2030-01-31T12:00:00+0100", "2030-01-31T12:00:00+24:00", "2030-01-31T12:00:00+23:60"},
		},
		"date": {
			[]string{"2030-01-31", "2024-02-29", "2000-02-29", "2030-04-30", "0000-12-01"},
			[]string{"", "2030-1-31", "2030-00-31", "2030-13-01", "2030-01-00", "2030-01-32", "2023-02-29", "1900-02-29", "2030-04-31", "2030-11-31", "203x-01-01", "2030/01/31", "2030-01-310"},
		},
		"time": {
			[]string{"12:00:00Z", "00:00:00z", "12:00:00.5+01:00", "23:59:60Z", "00:59:60+01:00", "22:29:60-01:30"},
			[]string{"", "12:00:00", "24:00:00Z", "12:60:00Z", "12:00:61Z", "12:00:60Z", "12:00Z", "12:00:00.Z", "12:00:00+24:00", "12:00:00+1:00", "1200:00Z"},
		},
		"duration": {
			[]string{"P1D", "PT1H", "P1Y2M3DT4H5M6S", "P3W", "P0D", "P1YT1S", "P1Y2M", "P2M3D", "PT4H5M", "PT5M6S", "P1MT1M"},
			[]string{"P1Y2D", "PT1H2S", "P1Y2DT1H", "", "P", "PT", "1D", "P1", "PD", "P1H", "PT1D", "P1DT", "P1D2Y", "P1W1D", "PW", "P-1D", "P1.5D"},
		},
		"email": {
			[]string{"a@b", "a.b+c@example.com", `"a b"@c.d`, "a@[127.0.0.1]", "a@[IPv6:::1]", "a|b@c", strings.Repeat("a", 64) + "@b"},
			[]string{"", "@", "a@", "@b", "a", ".a@b", "a.@b", "a..b@c", "a b@c", "a@b c", "a@-b", "a@b_c", "a@[::1]", "a@[]", "ü@b", "a@ü.de", `"a"b"@c`, strings.Repeat("a", 65) + "@b", "a@" + strings.Repeat("a.", 126) + "a"},
		},
		"hostname": {
			[]string{"a", "example.com", "a-b.c1", "1.2", label + ".b"},
			[]string{"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a-.b", "a_b", "ü", label + "a", strings.Repeat("a.", 127) + "a"},
		},
		"ipv4":          {[]string{"127.0.0.1", "0.0.0.0", "255.255.255.255"}, []string{"", "256.0.0.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "::1"}},
		"ipv6":          {[]string{"::", "::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"}, []string{"", "1.2.3.4", "1::2::3", "g::", "fe80::1%eth0", "[::1]"}},
		"uri":           {[]string{"http://a/b?c#d", "mailto:a@b", "urn:a:b", "http://[::1]:80/", "a:", "http://u:p@[::1]/?a@b", "a:b@c@d", "a:b//c@d@e"}, []string{"http:/[::1]", "a:[::1]", "http://a/[b]", "http://a?[", "http://a#]", "http://u@[::1]]/", "http://[u]@a/", "//a@b@example.com/", "http://a@b@example.com/", "http://a[::1]/", "", "a", "//a", ":a", "1a:b", "http://a b", "http://a/%zz", "http://a/{b}", "http://ü", "http://[::1%25en0]/", "http://a#b#c", "http://[::1"}},
		"uri-reference": {[]string{"", "a", "//a", "?b", "#c", "../d", "http://a", "//[::1]", "/a//b@c@d"}, []string{"/[::1]", "//a@b@example.com/", "[", "a//[::1]", "a b", `a\b`, "%", "%1", "<a>", "a#b#c", "ü"}},
		"uuid":          {[]string{"123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-42661417400F"}, []string{"", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g", "123e4567-e89b-12d3-a456-4266141740001", "123e4567-e89b-12d3-a4560426614174000"}},
		"regex":         {[]string{"", "^a+$", "[a-z]"}, []string{"(", "[", "a**", `\`}},
		"json-pointer":  {[]string{"", "/", "/a/b", "/~0~1", "//"}, []string{"a", "#/a", "/~", "/~2", "/a~"}},
		"byte":          {[]string{"", "YQ==", "YWI=", "YWJj"}, []string{"YQ", "YQ=", "Y===", "YW Jj", "Y-Jj", "YWJj\n"}},
		"password":      {[]string{"", "anything"}, nil},
	} {
		s, mistakes := new(schema.Compiler).For(reflect.TypeFor[string](), reflect.StructTag(`format:"`+format+`"`))
		assert.Equal(t, mistakes, nil, format)
		for i, text := range append(texts.pass, texts.fail...) {
			var r schema.Report
			s.Check(context.Background(), unsafe.Pointer(&text), nil, &r)
			assert.Equal(t, len(r.Failures), min(max(i-len(texts.pass)+1, 0), 1), format, text)
		}
	}
}

func TestFormatsAllocateNothing(t *testing.T) {
	for format, text := range map[string]string{
		"date": "2030-01-31", "date-time": "2030-01-31T12:00:00Z", "time": "12:00:00Z", "uuid": "123e4567-e89b-12d3-a456-426614174000",
		"email": "a.b@example.com", "hostname": "example.com", "ipv4": "127.0.0.1", "ipv6": "1:2::3", "duration": "P1DT1H", "json-pointer": "/a/b",
	} {
		s, _ := new(schema.Compiler).For(reflect.TypeFor[string](), reflect.StructTag(`format:"`+format+`"`))
		var r schema.Report
		n := testing.AllocsPerRun(100, func() { s.Check(context.Background(), unsafe.Pointer(&text), nil, &r) })
		assert.Equal(t, n, 0, format)
		assert.Equal(t, r.Failures, nil, format)
	}
}

func TestOwnFormat(t *testing.T) {
	c := &schema.Compiler{Formats: map[string]func(string) error{"shout": shout, "date": shout}}
	s, mistakes := c.For(reflect.TypeFor[string](), `format:"shout"`)
	assert.Equal(t, mistakes, nil)
	text := "quiet"
	var r schema.Report
	s.Check(context.Background(), unsafe.Pointer(&text), nil, &r)
	assert.Equal(t, len(r.Failures), 1)
	assert.Equal(t, r.Failures[0].Detail, "must be in upper case")
	assert.Equal(t, r.Failures[0].Err.Error(), "must be in upper case")
	assert.Equal(t, r.Failures[0].Value, any("quiet"))

	s, _ = c.For(reflect.TypeFor[string](), `format:"date"`)
	text, r = "LOUD", schema.Report{}
	s.Check(context.Background(), unsafe.Pointer(&text), nil, &r)
	assert.Equal(t, r.Failures, nil, "it takes the place of the built-in one")
}

func TestIsTime(t *testing.T) {
	for text, want := range map[string]bool{
		"2030-01-31T12:00:00Z": true, "2030-01-31T12:00:00.5-23:59": true, "0000-01-01T00:00:00+23:59": true,
		"1998-12-31T23:59:60Z": false, "2030-01-31t12:00:00Z": false, "2030-01-31T12:00:00z": false, "2030-01-31T12:00:00+24:00": false,
		"2030-01-31T12:00:00-00:60": false, "2030-01-31T12:00:00,5Z": false, "2030-01-31T1:00:00Z": false, "": false, "2030-01-31": false,
	} {
		assert.Equal(t, schema.IsTime(text), want, text)
		if at := new(time.Time); want {
			assert.NoError(t, at.UnmarshalText([]byte(text)), text)
			_, err := at.MarshalText()
			assert.NoError(t, err, text)
		}
	}
}
