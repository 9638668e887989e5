package extract

import (
	"net/http"
	"time"

	"github.com/tako-go/tako"
)

// Conditions are the conditional fields of the request (RFC 9110, section 13),
// parsed. What the RFC has ignored is left out: dates that are none, If-Modified-Since
// beside If-None-Match or of a method other than GET and HEAD, If-Unmodified-Since
// beside If-Match, If-Range without Range.
//
// A list of entity tags that is malformed or has more than 100 is 400, because to
// ignore it could overwrite what somebody else has changed; only If-None-Match of
// GET and HEAD then counts as a list without tags, for which all content is sent.
type Conditions struct {
	// IfMatch are the versions that the resource may have.
	IfMatch EntityTags
	// IfNoneMatch are the versions that it must not have.
	IfNoneMatch EntityTags
	// IfModifiedSince and IfUnmodifiedSince are zero if absent.
	IfModifiedSince, IfUnmodifiedSince time.Time
	// IfRange says which version the ranges are of.
	IfRange IfRange
}

// IfRange is the condition for ranges. The zero value is none.
type IfRange struct {
	// Present says that the field was there.
	Present bool
	// Tag is a strong entity tag, if Date is zero.
	Tag EntityTag
	// Date is a Last-Modified.
	Date time.Time
}

var (
	_ tako.Describer      = (*Conditions)(nil)
	_ tako.RequestEncoder = (*Conditions)(nil)
)

// Extract reads the fields.
func (v *Conditions) Extract(c *tako.Context) error {
	var ok bool
	reads := c.Method() == http.MethodGet || c.Method() == http.MethodHead
	if v.IfMatch, ok = parseTags(c.RequestHeaderValues("If-Match")); !ok {
		return invalid("header", "If-Match", "is no list of entity tags")
	}
	if v.IfNoneMatch, ok = parseTags(c.RequestHeaderValues("If-None-Match")); !ok && !reads {
		return invalid("header", "If-None-Match", "is no list of entity tags")
	}
	if reads && !v.IfNoneMatch.Present {
		v.IfModifiedSince = parseDate(c.RequestHeader("If-Modified-Since"))
	}
	if !v.IfMatch.Present {
		v.IfUnmodifiedSince = parseDate(c.RequestHeader("If-Unmodified-Since"))
	}
	if c.RequestHeader("Range") != "" {
		v.IfRange = parseIfRange(c.RequestHeader("If-Range"))
	}
	return nil
}

// parseDate returns the zero time for what is no date.
func parseDate(value string) time.Time {
	t, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}
	}
	return t
}

// parseIfRange keeps what can be a validator: a strong tag or a date.
func parseIfRange(value string) IfRange {
	r := IfRange{Present: value != ""}
	if tag, ok := ParseEntityTag(value); ok && !tag.Weak {
		r.Tag = tag
	} else {
		r.Date = parseDate(value)
	}
	return r
}

// Holds reports whether ranges may be answered of content with this entity tag and
// modification date, either of which may be zero: always without the field, else
// only if it has the same one (RFC 9110, section 13.1.5).
func (r IfRange) Holds(tag EntityTag, modified time.Time) bool {
	switch {
	case !r.Present:
		return true
	case !r.Date.IsZero():
		return r.Date.Equal(modified.Truncate(time.Second))
	}
	return tag.Opaque != "" && r.Tag.StrongMatch(tag)
}

// Absent reports whether there is no condition.
func (v *Conditions) Absent() bool {
	return !v.IfMatch.Present && !v.IfNoneMatch.Present && v.IfModifiedSince.IsZero() && v.IfUnmodifiedSince.IsZero() && !v.IfRange.Present
}

// Describe records the fields.
func (v *Conditions) Describe(op *tako.Operation, _ string) {
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"} {
		describePreference(op, name, "see RFC 9110, section 13.1")
	}
	op.AddFailure(http.StatusBadRequest, "a conditional header is malformed")
}

// EncodeRequest sets the fields.
func (v *Conditions) EncodeRequest(req *http.Request) error {
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	set("If-Match", v.IfMatch.String())
	set("If-None-Match", v.IfNoneMatch.String())
	set("If-Modified-Since", formatDate(v.IfModifiedSince))
	set("If-Unmodified-Since", formatDate(v.IfUnmodifiedSince))
	switch {
	case !v.IfRange.Date.IsZero():
		set("If-Range", formatDate(v.IfRange.Date))
	case v.IfRange.Present:
		set("If-Range", v.IfRange.Tag.String())
	}
	return nil
}

func formatDate(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(http.TimeFormat)
}
