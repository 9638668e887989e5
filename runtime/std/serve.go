package std

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// serveHTTP stands before the app and refuses what net/http lets through.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if s.gate != nil {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok && c.info.Proxy != nil {
			r.RemoteAddr = c.info.Remote.String()
		}
	}
	status, why := s.refuse(r)
	if s.tls != nil && status == 0 {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			status, why = c.requestTLS(r)
		}
	}
	if status != 0 {
		s.stats.refusedRequests.Add(1)
		s.log.Info("request refused", "peer", r.RemoteAddr, "status", status, "reason", why)
		w.Header().Set("Connection", "close")
		http.Error(w, http.StatusText(status), status)
		return
	}
	if s.patient.Load() && s.isStopping() { // net/http tells so in other drains
		w.Header().Set("Connection", "close")
	}
	if r.Body == http.NoBody && r.ProtoAtLeast(1, 1) {
		s.app.ServeHTTP(w, r)
		return
	}
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok {
		s.app.ServeHTTP(w, r)
		return
	}
	s.serveWatched(c, w, r)
}

// serveWatched looks at the body of a request, and at the end of a response whose
// end is that of the connection.
func (s *Server) serveWatched(c *conn, w http.ResponseWriter, r *http.Request) {
	var watch *bodyWatch
	if r.Body != http.NoBody {
		watch = c.watch(r)
	}
	done := false
	defer func() {
		if watch != nil {
			c.unwatch(watch, !done)
		}
		if !done && !r.ProtoAtLeast(1, 1) {
			c.reset()
		}
	}()
	s.app.ServeHTTP(w, r)
	done = true
}

func (s *Server) refuse(r *http.Request) (status int, why string) {
	l := &s.limits
	switch {
	case l.TargetBytes > 0 && len(r.RequestURI) > l.TargetBytes:
		return http.StatusRequestURITooLong, "target too long"
	case !validTarget(r.RequestURI):
		return http.StatusBadRequest, "invalid character in target"
	case !validAbsolute(r.URL):
		return http.StatusBadRequest, "invalid absolute target"
	case !validHost(r):
		return http.StatusBadRequest, "invalid host"
	}
	fields, size := measure(r)
	switch {
	case l.HeaderBytes > 0 && size > l.HeaderBytes:
		return http.StatusRequestHeaderFieldsTooLarge, "head too large"
	case l.HeaderFields > 0 && fields > l.HeaderFields:
		return http.StatusRequestHeaderFieldsTooLarge, "too many header fields"
	}
	return 0, ""
}

// validTarget refuses fragments, bytes outside visible ASCII and a backslash in the
// path, which net/http would escape and let pass (RFC 9112, section 3.2).
func validTarget(s string) bool {
	path, _, _ := strings.Cut(s, "?")
	return ascii.IsQuery(s) && !strings.Contains(path, `\`)
}

// validAbsolute demands an authority of an absolute target, and one without a user
// (RFC 9110, section 4.2).
func validAbsolute(u *url.URL) bool {
	return u.Scheme == "" || u.Host != "" && u.User == nil && u.Opaque == ""
}

// validHost demands a host and port that can be told apart, and of HTTP/1.1 that
// there is one (RFC 9112, section 3.2).
func validHost(r *http.Request) bool {
	if r.Host == "" {
		return !r.ProtoAtLeast(1, 1)
	}
	_, _, ok := authority.Split(r.Host)
	return ok
}

// measure returns the number of field lines and the size of the head. The limit of
// net/http is a rough one: it adds 4 KiB, and more on a connection that is kept.
func measure(r *http.Request) (fields, size int) {
	size = len(r.Method) + len(r.RequestURI) + len(r.Proto) + len(r.Host) + len("  \r\nHost: \r\n\r\n")
	fields = 1
	for name, values := range r.Header {
		fields += len(values)
		for _, v := range values {
			size += len(name) + len(v) + len(": \r\n")
		}
	}
	return fields, size
}
