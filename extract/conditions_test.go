package extract

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestEntityTags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value, want string
		ok          bool
	}{
		{`"a"`, `"a"`, true}, {`W/"a"`, `W/"a"`, true}, {`"a","b" , W/""`, `"a", "b", W/""`, true}, {"*", "*", true}, {` * `, "*", true},
		{`, "a",,`, `"a"`, true}, {`"a,b"`, `"a,b"`, true}, {"\"\u00fc\"", "\"\u00fc\"", true},
		{"a", "", false}, {`"a`, "", false}, {`"a" "b"`, "", false}, {`w/"a"`, "", false}, {`"a b"`, "", false}, {`*, "a"`, "", false}, {"", "", false}, {`"a", b`, "", false},
		{strings.Repeat(`"a",`, maxTags+1), "", false},
	}
	for _, tt := range tests {
		list, ok := parseTags([]string{tt.value})
		assert.Equal(t, ok, tt.ok, tt.value)
		assert.Equal(t, list.String(), tt.want, tt.value)
		assert.Equal(t, list.Present, true)
	}
	list, _ := parseTags([]string{`"a"`, `W/"b"`})
	for _, tt := range []struct {
		tag          string
		strong, weak bool
	}{{`"a"`, true, true}, {`W/"a"`, false, true}, {`"b"`, false, true}, {`W/"b"`, false, true}, {`"c"`, false, false}} {
		tag, ok := ParseEntityTag(tt.tag)
		assert.Equal(t, ok, true)
		assert.Equal(t, list.MatchStrong(tag), tt.strong, tt.tag)
		assert.Equal(t, list.MatchWeak(tag), tt.weak, tt.tag)
	}
	assert.Equal(t, EntityTags{Any: true}.MatchStrong(EntityTag{}), true)
	_, ok := ParseEntityTag(`"a" `)
	assert.Equal(t, ok, false)
}

const someDate = "Mon, 02 Jan 2006 15:04:05 GMT"

func TestConditions(t *testing.T) {
	t.Parallel()
	read := func(method string, lines ...string) (v Conditions, err error) {
		with(t, method, "/", lines, "", func(c *tako.Context) { v, err = tako.Extract[Conditions](c) })
		return v, err
	}
	v, err := read("GET", `If-Match: "a"`, `If-Match: "b"`, "If-Modified-Since: "+someDate, "If-Unmodified-Since: "+someDate)
	assert.NoError(t, err)
	assert.Equal(t, v.IfMatch.String(), `"a", "b"`)
	assert.Equal(t, v.IfModifiedSince.Year(), 2006)
	assert.Equal(t, v.IfUnmodifiedSince.IsZero(), true, "beside If-Match")
	back := rewritten(t, &v)
	assert.Equal(t, back.Get("If-Match"), `"a", "b"`)
	assert.Equal(t, back.Get("If-Modified-Since"), someDate)

	v, _ = read("PUT", "If-Modified-Since: "+someDate, "If-Unmodified-Since: "+someDate, `If-Range: "a"`)
	assert.Equal(t, v.IfModifiedSince.IsZero(), true, "of a method that changes")
	assert.Equal(t, v.IfUnmodifiedSince.Year(), 2006)
	assert.Equal(t, v.IfRange.Present, false, "without Range")
	v, _ = read("GET", "If-None-Match: *", "If-Modified-Since: "+someDate)
	assert.Equal(t, v.IfModifiedSince.IsZero(), true, "beside If-None-Match")
	assert.Equal(t, v.Absent(), false)
	v, _ = read("GET", "If-Modified-Since: yesterday")
	assert.Equal(t, v.Absent(), true)

	v, err = read("GET", "If-None-Match: a")
	assert.NoError(t, err)
	assert.Equal(t, v.IfNoneMatch, EntityTags{Present: true})
	for _, bad := range []string{"If-None-Match: a", "If-Match: a"} {
		_, err = read("DELETE", bad)
		assert.Equal(t, tako.AsError(err).Status, 400)
		assert.Equal(t, errors.Is(err, tako.ErrAbsent), false)
	}
}

func TestIfRange(t *testing.T) {
	t.Parallel()
	date, _ := time.Parse(time.RFC1123, someDate)
	tag := EntityTag{Opaque: "a"}
	tests := []struct {
		value string
		want  bool
	}{
		{"", true}, {`"a"`, true}, {`"b"`, false}, {`W/"a"`, false}, {someDate, true}, {"Mon, 02 Jan 2006 15:04:06 GMT", false}, {"nonsense", false}, {`""`, false},
	}
	for _, tt := range tests {
		assert.Equal(t, parseIfRange(tt.value).Holds(tag, date.Add(time.Millisecond)), tt.want, tt.value)
		assert.Equal(t, parseIfRange(tt.value).Holds(EntityTag{}, time.Time{}), tt.value == "", tt.value)
	}
	v := Conditions{IfRange: parseIfRange(`"a"`)}
	assert.Equal(t, rewritten(t, &v).Get("If-Range"), `"a"`)
	v = Conditions{IfRange: parseIfRange(someDate)}
	assert.Equal(t, rewritten(t, &v).Get("If-Range"), someDate)
}

func FuzzEntityTags(f *testing.F) {
	for _, seed := range []string{"", "*", `"a"`, `W/"a", "b"`, `"a`, `"a""b"`, `,,"a",`, `W/W/"a"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		list, ok := parseTags([]string{value})
		assert.Equal(t, len(list.Tags) <= maxTags, true)
		if !ok {
			assert.Equal(t, list, EntityTags{Present: true})
			return
		}
		again, ok := parseTags([]string{list.String()})
		assert.Equal(t, ok, true, list.String())
		assert.Equal(t, again, list)
		for _, tag := range list.Tags {
			assert.Equal(t, list.MatchWeak(tag), true)
			parsed, ok := ParseEntityTag(tag.String())
			assert.Equal(t, ok, true)
			assert.Equal(t, parsed, tag)
		}
	})
}

func FuzzIfRange(f *testing.F) {
	for _, seed := range []string{"", someDate, `"a"`, `W/"a"`, "Monday, 02-Jan-06 15:04:05 GMT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := parseIfRange(value)
		if r.Date.IsZero() && r.Present && r.Holds(r.Tag, time.Time{}) != (r.Tag.Opaque != "") {
			t.Errorf("%q does not hold for itself", value)
		}
		if !r.Date.IsZero() {
			assert.Equal(t, r.Holds(EntityTag{}, r.Date), true, value)
		}
	})
}
