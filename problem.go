package tako

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An ErrorHandler renders an error as a response. It may return another error,
// or the same, to leave it to the error handler of the group around it; the
// last one is [RenderError].
type ErrorHandler func(c *Context, err error) error

// RenderError writes err as a problem document (RFC 9457), or as text where the
// client's Accept prefers that. Fields already set on the response's header are
// kept, but for those that described another body. It is safe on any error: the
// private cause is never shown.
func RenderError(c *Context, err error) error {
	e := AsError(err)
	h := c.Header()
	for _, name := range representation {
		h.remove(name, 0)
	}
	for name := range e.Header.All() {
		if !added[name] {
			h.Del(name)
		}
	}
	for name, value := range e.Header.All() {
		unsatisfied := name == "Content-Range" && e.Status == http.StatusRequestedRangeNotSatisfiable
		if (unsatisfied || !slices.Contains(representation, name)) && !hopByHop[name] {
			h.Add(name, value)
		}
	}
	h.AddVary("Accept")
	if c.Accepts("application/problem+json", "text/plain") == "text/plain" {
		return c.respond(e.Status, "text/plain; charset=utf-8", e.text())
	}
	body, err := e.MarshalJSON()
	if err != nil { // what is in Extra cannot be encoded
		slog.ErrorContext(c.Context(), "problem document lost its extra members", "err", err)
		bare := *e
		bare.Extra = nil
		if body, err = bare.MarshalJSON(); err != nil {
			return err
		}
	}
	return c.respond(e.Status, "application/problem+json", body)
}

// MarshalJSON returns the problem document: what the client may see.
func (e *Error) MarshalJSON() ([]byte, error) {
	doc := make(map[string]any, len(e.Extra)+6)
	for name, value := range e.Extra {
		doc[name] = value
	}
	set := func(name, value string) {
		if value != "" {
			doc[name] = value
		}
	}
	doc["status"] = e.Status
	doc["title"] = e.title()
	set("type", e.Type)
	set("detail", e.Detail)
	set("instance", e.Instance)
	if len(e.Fields) > 0 {
		doc["errors"] = e.Fields
	}
	body, err := json.Marshal(doc)
	if err != nil && len(e.Fields) > 0 {
		doc["errors"] = tellable(e.Fields)
		return json.Marshal(doc)
	}
	return body, err
}

// tellable leaves out the values that JSON cannot tell, such as NaN.
func tellable(fields []FieldError) []FieldError {
	fields = slices.Clone(fields)
	for i := range fields {
		if _, err := json.Marshal(fields[i].Value); err != nil {
			fields[i].Value = nil
		}
	}
	return fields
}

// UnmarshalJSON reads a problem document; members without a field go to Extra. One of
// the standard members that has another type is passed over (RFC 9457, section 3.1), and
// "errors" of another shape, which is an extension, goes to Extra.
func (e *Error) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	var extra map[string]any
	if err := errors.Join(json.Unmarshal(data, &members), json.Unmarshal(data, &extra)); err != nil {
		return err
	}
	var read Error
	for name, to := range map[string]any{"status": &read.Status, "type": &read.Type, "title": &read.Title,
		"detail": &read.Detail, "instance": &read.Instance} {
		if value, has := members[name]; has {
			_ = json.Unmarshal(value, to) // or it stays as if it were not there
			delete(extra, name)
		}
	}
	if value, has := members["errors"]; has {
		var ours bool
		if read.Fields, ours = fieldErrors(value); ours {
			delete(extra, "errors")
		}
	}
	if len(extra) > 0 {
		read.Extra = extra
	}
	*e = read
	return nil
}

// fieldErrors reads the member "errors", false if it is not a list of name and detail.
func fieldErrors(data []byte) ([]FieldError, bool) {
	var shape []struct{ Name, Detail *string }
	var fields []FieldError
	if json.Unmarshal(data, &shape) != nil || json.Unmarshal(data, &fields) != nil {
		return nil, false
	}
	for _, f := range shape {
		if f.Name == nil || f.Detail == nil {
			return nil, false
		}
	}
	return fields, true
}

func (e *Error) text() []byte {
	var b strings.Builder
	b.WriteString(strconv.Itoa(e.Status))
	b.WriteByte(' ')
	b.WriteString(e.title())
	if e.Detail != "" {
		b.WriteString("\n\n" + e.Detail)
	}
	for _, f := range e.Fields {
		b.WriteString("\n" + f.In + " " + f.Name + ": " + f.Detail)
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

// representation lists the fields that describe a body which an error replaces.
var representation = []string{"Content-Type", "Content-Length", "Content-Encoding",
	"Content-Range", "Content-Disposition", "Content-Language", "Content-Location",
	"Content-Digest", "Repr-Digest", "Accept-Ranges", "Etag", "Last-Modified"}

// lifetimes lists the fields that say how long the body which an error replaces
// may be kept.
var lifetimes = []string{"Cache-Control", "Expires", "Age"}

// hopByHop lists what an error that came from another server must not bring along.
var hopByHop = map[string]bool{"Connection": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Transfer-Encoding": true, "Te": true, "Trailer": true, "Upgrade": true, "Date": true}

// added lists the fields of an error that join those of the response.
var added = map[string]bool{"Set-Cookie": true, "Vary": true}

// fail renders err through the error handlers of the request's group, innermost
// first, and has [RenderError] as the last.
func (c *Context) fail(err error) error {
	if gone(err) {
		return err
	}
	for _, name := range slices.Concat(representation, lifetimes) {
		c.header.remove(name, 0)
	}
	for _, handle := range c.errorHandlers() {
		declined := handle(c, err)
		if c.opened || c.upgraded {
			return declined
		}
		if declined != nil { // else it has forgotten to answer
			err = declined
		}
	}
	return RenderError(c, err)
}
