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
		if !slices.Contains(representation, name) && !hopByHop[name] {
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
	return json.Marshal(doc)
}

// UnmarshalJSON reads a problem document; members without a field go to Extra.
func (e *Error) UnmarshalJSON(data []byte) error {
	var known struct {
		Status   int          `json:"status"`
		Type     string       `json:"type"`
		Title    string       `json:"title"`
		Detail   string       `json:"detail"`
		Instance string       `json:"instance"`
		Errors   []FieldError `json:"errors"`
	}
	var extra map[string]any
	if err := errors.Join(json.Unmarshal(data, &known), json.Unmarshal(data, &extra)); err != nil {
		return err
	}
	for _, name := range []string{"status", "type", "title", "detail", "instance", "errors"} {
		delete(extra, name)
	}
	if len(extra) == 0 {
		extra = nil
	}
	*e = Error{Status: known.Status, Type: known.Type, Title: known.Title, Detail: known.Detail,
		Instance: known.Instance, Fields: known.Errors, Extra: extra}
	return nil
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
	e := AsError(err)
	if e.Status == statusClientGone || errors.Is(err, http.ErrAbortHandler) {
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
