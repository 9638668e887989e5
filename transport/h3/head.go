package h3

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// ofConnection tells the fields that a message of HTTP/3 must not have (RFC 9114, section 4.2).
func ofConnection(name string) bool {
	field := ""
	switch len(name) {
	case len("TE"):
		field = "TE"
	case len("Upgrade"):
		field = "Upgrade"
	case len("Connection"): // and Keep-Alive
		return isConnection(name) || ascii.EqualFold(name, "Keep-Alive")
	case len("HTTP2-Settings"):
		field = "HTTP2-Settings"
	case len("Proxy-Connection"):
		field = "Proxy-Connection"
	case len("Transfer-Encoding"):
		field = "Transfer-Encoding"
	default:
		return false
	}
	return ascii.EqualFold(name, field)
}

func isConnection(name string) bool { return ascii.EqualFold(name, "Connection") }

// named are the fields which Connection says are for the connection only.
func named(h http.Header) (names []string) {
	for name, values := range h {
		if !isConnection(name) {
			continue
		}
		for _, list := range values {
			for item := range strings.SplitSeq(list, ",") {
				names = append(names, strings.Trim(item, " \t"))
			}
		}
	}
	return names
}

func listed(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return ascii.EqualFold(n, name) })
}

// Header returns the fields of the response. They are the app's own: a goroutine that reads the
// body may send 100 meanwhile.
func (x *request) Header() http.Header { return x.header }

// show gives the library the fields for the next head. It is called with headMu held.
func (x *request) show() http.Header {
	h := x.responseWriter.Header()
	clear(h)
	names := named(x.header)
	for name, values := range x.header {
		if !ofConnection(name) && !listed(names, name) {
			h[name] = values
		}
	}
	return h
}

// WriteHeader sets the status. The library would find out a length that is not that of the
// content, where there must be none.
func (x *request) WriteHeader(status int) {
	if status < 200 {
		x.bound()
	}
	x.headMu.Lock()
	defer x.headMu.Unlock()
	if x.head {
		return
	}
	if x.connect && status/100 == 2 {
		status = x.noTunnel()
	}
	h := x.show()
	if status < 200 {
		x.responseWriter.WriteHeader(status)
		clear(h)
		return
	}
	if h["Content-Length"] == nil && (status == http.StatusNoContent || status == http.StatusNotModified || x.isHead) {
		h["Content-Length"] = nil
	}
	x.responseWriter.WriteHeader(status)
	x.head = true
}

// proceed answers Expect: 100-continue, unless there is a response already.
func (x *request) proceed() {
	x.bound()
	x.headMu.Lock()
	defer x.headMu.Unlock()
	if !x.head {
		x.responseWriter.WriteHeader(http.StatusContinue)
	}
}

// begins notes that the response does, by what is written now.
func (x *request) begins() {
	x.headMu.Lock()
	defer x.headMu.Unlock()
	switch {
	case x.head:
		return
	case x.connect:
		status := x.noTunnel()
		x.show()
		x.responseWriter.WriteHeader(status)
	default:
		x.show()
	}
	x.head = true
}

// noTunnel drops the response of a handler that has answered an extended CONNECT as if it were a
// GET: for the client 2xx would mean that it may use the protocol that it has asked for.
func (x *request) noTunnel() (status int) {
	x.dropped = true
	clear(x.header)
	x.header["Allow"] = []string{"GET, HEAD"}
	return http.StatusMethodNotAllowed
}

// finish sends what a handler has left to be sent. The library would do that too, but end the
// stream properly if the client does not take it.
func (x *request) finish() {
	if x.tunnel != nil {
		return
	}
	x.begins()
	h := x.responseWriter.Header()
	if _, ok := h["Content-Length"]; !ok { // without effect if the head is sent
		h["Content-Length"] = []string{strconv.FormatInt(x.written, 10)}
	}
	if !x.failed.Load() {
		_ = x.FlushError()
	}
	if x.failed.Load() {
		panic(http.ErrAbortHandler)
	}
	if !x.dropped {
		x.showTrailers(h)
	}
}

// showTrailers gives the library the trailers, behind the head.
func (x *request) showTrailers(h http.Header) {
	names := named(x.header)
	for _, list := range h["Trailer"] {
		for name := range strings.SplitSeq(list, ",") {
			name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
			if values, ok := x.header[name]; ok && !ofConnection(name) && !listed(names, name) {
				h[name] = values
			} else {
				delete(h, name)
			}
		}
	}
	for name, values := range x.header {
		if trailer, ok := strings.CutPrefix(name, http.TrailerPrefix); ok && !ofConnection(trailer) && !listed(names, trailer) {
			h[name] = values
		}
	}
}
