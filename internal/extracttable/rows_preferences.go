package extracttable

import (
	"strings"
	"time"

	"github.com/tako-go/tako/extract"
)

func preferenceRows() []Row {
	return []Row{
		row("extract.Accept", plain(func(v extract.Accept) string { return v.Prefers("text/html", "application/json", "image/png") }), Row{
			Source: "`Accept`: `Prefers(offers...)`, `Quality(media)`; malformed members are skipped, without any all is accepted",
			Good: []Case{
				{Want: "text/html", Absent: true}, {Fields: []string{"Accept: image/*, */*;q=0.1"}, Want: "image/png"},
				{Fields: []string{"Accept: text/html;q=0, */*"}, Want: "application/json"}, {Fields: []string{"Accept: ;;, q=NaN, imagezzz"}, Want: "text/html", Absent: true},
				{Fields: []string{"Accept: audio/ogg"}, Want: ""},
			},
		}),
		row("extract.AcceptLanguage", plain(func(v extract.AcceptLanguage) string {
			tag, ok := v.Match("en", "de", "pt-BR")
			if !ok {
				tag += " by default"
			}
			return strings.Join(v.Tags(), " ") + ": " + tag
		}), Row{
			Source: "`Accept-Language`: `Tags()`, `Match(supported...)` by lookup (RFC 4647, section 3.4); malformed members are skipped, without any all will do",
			Good: []Case{
				{Want: ": en", Absent: true}, {Fields: []string{"Accept-Language: fr, de-CH;q=0.8, en;q=0.1"}, Want: "fr de-CH en: de"},
				{Fields: []string{"Accept-Language: fr"}, Want: "fr: en by default"}, {Fields: []string{"Accept-Language: %%%, ü;q=2"}, Want: ": en", Absent: true},
				{Fields: []string{"Accept-Language: en;q=0, *"}, Want: "*: de"},
			},
		}),
		row("extract.AcceptEncoding", plain(func(v extract.AcceptEncoding) string { return v.Prefers("br", "gzip") }), Row{
			Source: "`Accept-Encoding`: `Prefers(offers...)`, `Quality(coding)`; malformed members are skipped, without the field nothing is coded",
			Good: []Case{
				{Fields: []string{"Accept-Encoding: gzip, br;q=0.5"}, Want: "gzip"}, {Fields: []string{"Accept-Encoding: X-Gzip"}, Want: "gzip"},
				{Fields: []string{"Accept-Encoding: zstd"}, Want: "identity"}, {Fields: []string{"Accept-Encoding: zstd, *;q=0"}, Want: ""},
				{Fields: []string{"Accept-Encoding: *"}, Want: "br"}, {Fields: []string{"Accept-Encoding: gzip;q=9"}, Want: "identity"},
			},
		}),
		row("extract.Range", showRange, Row{
			Source:  "`Range` of a GET, in bytes: `Resolve(size)`; what is malformed or of another unit counts as none, as do parts with more bytes than the content together",
			Options: "at most 100 ranges",
			Good: []Case{
				{Want: "all", Absent: true}, {Fields: []string{"Range: bytes=0-4, -10"}, Want: "bytes 0-4/100, bytes 90-99/100"},
				{Fields: []string{"Range: bytes=4-2"}, Want: "all", Absent: true}, {Fields: []string{"Range: lines=0-4"}, Want: "all", Absent: true},
				{Fields: []string{"Range: bytes=0-,0-,0-"}, Want: "all"}, {Method: "POST", Fields: []string{"Range: bytes=0-4"}, Want: "all", Absent: true},
				{Fields: []string{"Range: bytes=" + strings.Repeat("0-0,", 101)}, Want: "all", Absent: true},
			},
			Failures: []Failure{
				{416, "`Resolve`: no range is within the content", Case{Fields: []string{"Range: bytes=100-"}, Want: "100 bytes of the content"}, false},
			},
		}),
		row("extract.Conditions", plain(showConditions), Row{
			Source:  "`If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`, `If-Range`; what RFC 9110 has ignored is left out",
			Options: "at most 100 entity tags in a field",
			Good: []Case{
				{Fields: []string{`If-Match: "a", W/"b"`}, Want: `"a", W/"b"|||`}, {Fields: []string{"If-None-Match: *", "If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT"}, Want: "|*||"},
				{Fields: []string{"If-Modified-Since: Mon, 02 Jan 2006 15:04:05 GMT"}, Want: "||2006-01-02T15:04:05Z|"}, {Fields: []string{"If-Modified-Since: soon", "If-None-Match: unquoted"}, Want: "|||"},
				{Fields: []string{"Range: bytes=0-", `If-Range: "a"`}, Want: `|||"a"`},
			},
			Failures: []Failure{
				{400, "`If-Match` is no list of entity tags, or has too many", Case{Fields: []string{"If-Match: unquoted"}, Want: "header parameter If-Match is no list of entity tags"}, false},
				{400, "so is `If-None-Match`, if the method is neither GET nor HEAD", Case{Method: "POST", Fields: []string{"If-None-Match: unquoted"}, Want: "If-None-Match"}, false},
			},
		}),
	}
}

func showRange(v extract.Range) (string, error) {
	parts, err := v.Resolve(100)
	if err != nil {
		return "", err
	}
	if parts == nil {
		return "all", nil
	}
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.ContentRange(100))
	}
	return strings.Join(texts, ", "), nil
}

func showConditions(v extract.Conditions) string {
	date := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	text := v.IfMatch.String() + "|" + v.IfNoneMatch.String() + "|" + date(v.IfModifiedSince) + "|"
	if v.IfRange.Present {
		text += v.IfRange.Tag.String()
	}
	return text
}
