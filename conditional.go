package tako

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Validators tell one state of a resource from another (RFC 9110, section 8.8).
type Validators struct {
	// ETag is the entity tag with its quotes, such as `"v7"`, or `W/"v7"` for a
	// weak one. Media types of the same resource need different strong tags.
	// "" for none.
	ETag string
	// LastModified is when the resource changed, to the second. Zero if unknown, which all
	// dates before 1971 count as.
	LastModified time.Time
	// Absent says that there is no such resource yet: If-Match fails then and
	// "If-None-Match: *" holds.
	Absent bool
}

// CheckConditions holds the request's preconditions against the state v of the
// resource, in the order of RFC 9110, section 13.2.2: If-Match or else
// If-Unmodified-Since, then If-None-Match or else If-Modified-Since. It is called
// before the resource is read or changed.
//
// To a client that has the state already it answers 304 and returns true: the
// handler is done. The 304 keeps what the header has, without the fields that
// describe a body. If the state is another than the client expects it returns an
// [Error] with status 412. Otherwise the handler goes on; for GET and HEAD, ETag
// and Last-Modified are set by then.
//
//	if done, err := c.CheckConditions(tako.Validators{ETag: tag}); done || err != nil {
//		return err
//	}
func (c *Context) CheckConditions(v Validators) (done bool, err error) {
	c.live()
	if c.opened {
		return false, ErrHeadSent
	}
	if err := v.check(); err != nil {
		return false, err
	}
	reads := c.reads()
	failed, unchanged := v.evaluate(c, reads)
	if failed != "" {
		return false, &Error{Status: http.StatusPreconditionFailed, Detail: "the condition " + failed + " does not hold"}
	}
	if reads {
		v.setFields(&c.header)
	}
	if !unchanged {
		return false, nil
	}
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Range", "Content-Disposition"} {
		c.header.remove(name, 0)
	}
	return true, c.open(http.StatusNotModified, -1)
}

// reads reports whether the method is GET or HEAD.
func (c *Context) reads() bool { return c.method == http.MethodGet || c.method == http.MethodHead }

// check finds a mistake in the tag and makes the date what is sent.
func (v *Validators) check() error {
	if v.ETag != "" && !validTag(v.ETag) {
		return &Error{Status: http.StatusInternalServerError,
			Err: fmt.Errorf("tako: %q is no entity tag: write it with quotes, as in %q", v.ETag, `"v7"`)}
	}
	v.LastModified = v.modified()
	return nil
}

// firstDate is the end of 1970: dates in it stand for one that nobody knows. Archives and package
// managers set the epoch, or the second behind it.
const firstDate = 365 * 24 * 60 * 60

// modified returns the date as it is sent: whole seconds, and none that is still
// to come (RFC 9110, section 8.8.2.1).
func (v *Validators) modified() time.Time {
	t := v.LastModified
	if t.Unix() < firstDate {
		return time.Time{}
	}
	if now := time.Now(); t.After(now) {
		t = now
	}
	return t.UTC().Truncate(time.Second)
}

func (v *Validators) setFields(h *Header) {
	if v.ETag != "" {
		h.Set("Etag", v.ETag)
	}
	if !v.LastModified.IsZero() {
		h.Set("Last-Modified", v.LastModified.Format(http.TimeFormat))
	}
}

// evaluate returns the name of the condition that fails the request, or whether
// the client has the state already.
func (v *Validators) evaluate(c *Context, reads bool) (failed string, unchanged bool) {
	if list, ok := c.condition("If-Match"); ok {
		if v.Absent || !tagListed(list, v.ETag, true) {
			return "If-Match", false
		}
	} else if since, ok := c.dateCondition("If-Unmodified-Since"); ok && !v.LastModified.IsZero() && v.LastModified.After(since) {
		return "If-Unmodified-Since", false
	}
	if list, ok := c.condition("If-None-Match"); ok {
		switch {
		case v.Absent || !tagListed(list, v.ETag, false):
			return "", false
		case reads:
			return "", true
		}
		return "If-None-Match", false
	}
	if since, ok := c.dateCondition("If-Modified-Since"); ok && reads && !v.LastModified.IsZero() {
		return "", !v.LastModified.After(since)
	}
	return "", false
}

// condition returns the lines of a list field as one, and whether there is any. The first
// line may be empty: where something is to be changed it is not taken for all.
func (c *Context) condition(name string) (string, bool) {
	if c.reads() && c.ex.RequestHeader(name) == "" {
		return "", false
	}
	list := strings.Join(headerValues(c.ex, name), ",")
	return list, strings.Trim(list, " \t,") != ""
}

// dateCondition returns the date of a field; one that is invalid or repeated does not count
// (RFC 9110, sections 13.1.3 and 13.1.4).
func (c *Context) dateCondition(name string) (time.Time, bool) {
	value := c.ex.RequestHeader(name)
	if value == "" || c.ex.RequestHeaderRepeats(name) {
		return time.Time{}, false
	}
	t, err := http.ParseTime(value)
	return t, err == nil
}

// IfRange reports whether a Range of the request is to be honoured for the state
// v: there is no If-Range, or the only one has the very same strong tag, or exactly the date, which
// must be a second old and not stand beside a weak tag (RFC 9110, section 13.1.5). It is
// asked after [Context.CheckConditions].
func (c *Context) IfRange(v Validators) bool {
	c.live()
	value := c.ex.RequestHeader("If-Range")
	switch {
	case value == "":
		return true
	case c.ex.RequestHeaderRepeats("If-Range"):
		return false
	case strings.HasPrefix(value, `"`):
		return validTag(value) && sameTag(value, false, v.ETag, true)
	case strings.HasPrefix(value, "W/"):
		return false
	}
	date, err := http.ParseTime(value)
	modified := v.modified()
	return err == nil && !strings.HasPrefix(v.ETag, "W/") && !modified.IsZero() && modified.Equal(date) && time.Since(modified) >= time.Second
}

// RequireCondition returns a 428 if the request has none of If-Match,
// If-Unmodified-Since and If-None-Match: for changes that shall not overwrite
// what the client has not seen (RFC 6585, section 3). What the condition says is
// left to [Context.CheckConditions].
func (c *Context) RequireCondition() error {
	c.live()
	for _, name := range []string{"If-Match", "If-Unmodified-Since", "If-None-Match"} {
		if c.ex.RequestHeader(name) != "" {
			return nil
		}
	}
	return &Error{Status: http.StatusPreconditionRequired, Detail: "send If-Match with the entity tag of the state that you know"}
}
