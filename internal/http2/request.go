package http2

import (
	"net/http"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// requestReader makes a request of the fields of a header block.
type requestReader struct {
	s        *Stream // nil if the block is read for the tables only
	trailers bool
	limits   *Config
	size     int
	fields   int
	tooLarge bool
	regular  bool   // a field that is no pseudo-field has come
	seen     uint8  // pseudo-fields, by kind
	reason   string // why the request is malformed
	host     string
	hosts    int
	cookies  int
	emit     func(*entry) // r.field

	refused int
	// The authority that was found valid last: clients repeat it.
	valid string
}

// read decodes a block into s. It returns false if the connection has failed.
func (c *Conn) read(s *Stream, trailers bool, block []byte) bool {
	r := &c.reader
	if r.emit == nil {
		r.emit, r.limits = r.field, c.cfg
	}
	r.s, r.trailers = s, trailers
	r.size, r.fields, r.tooLarge, r.regular, r.seen, r.reason = 0, 0, false, trailers, 0, ""
	r.host, r.hosts, r.cookies = "", 0, 0
	ok := c.dec.decode(block, r.emit)
	if !ok {
		c.fail(CompressionError, "malformed header block")
	}
	return ok
}

// field takes the next field.
func (r *requestReader) field(e *entry) {
	r.size += e.size()
	pseudo := e.kind >= methodField && e.kind <= protocolField
	if !pseudo && (e.kind != cookieField || r.cookies == 0) { // crumbs are one field
		r.fields++
	}
	if r.limits.HeaderBytes > 0 && r.size > r.limits.HeaderBytes || r.limits.HeaderFields > 0 && r.fields > r.limits.HeaderFields {
		r.tooLarge = true
		return
	}
	if r.s == nil || r.reason != "" {
		return
	}
	if pseudo {
		r.pseudo(e)
		return
	}
	r.regular = true
	if r.trailers {
		r.trailer(e)
		return
	}
	s := r.s
	switch e.kind {
	case badField:
		r.reason = "malformed field"
		return
	case hostField:
		r.host = e.Value
		r.hosts++
		return
	case lengthField:
		n, ok := parseLength(e.Value)
		if !ok || s.Length >= 0 && s.Length != n {
			r.reason = "malformed content-length"
			return
		}
		s.Length = n
	case cookieField:
		r.cookies++
	case priorityField:
		s.priority.parse(e.Value)
	case expectField:
		s.Expect = ascii.EqualFold(e.Value, "100-continue")
	}
	s.Fields = append(s.Fields, e.Field)
}

// trailer takes a trailer field (RFC 9113, section 8.1).
func (r *requestReader) trailer(e *entry) {
	if e.kind == badField || e.kind == lengthField || e.kind == hostField {
		r.reason = "malformed trailer"
		return
	}
	r.s.trailers = append(r.s.trailers, e.Field)
}

// pseudo takes a pseudo-field (RFC 9113, section 8.3).
func (r *requestReader) pseudo(e *entry) {
	bit := uint8(1) << e.kind
	if r.regular || r.seen&bit != 0 {
		r.reason = "misplaced pseudo-field"
		return
	}
	r.seen |= bit
	switch e.kind {
	case methodField:
		r.s.Method = e.Value
	case schemeField:
		r.s.Scheme = e.Value
	case authorityField:
		r.s.Authority = e.Value
	case pathField:
		r.s.Path = e.Value
	case protocolField:
		r.s.Protocol = e.Value
	}
}

func (r *requestReader) has(k kind) bool { return r.seen&(1<<k) != 0 }

// verdict says what is wrong with the request: a status to answer, or a reason to
// reset it.
func (r *requestReader) verdict() (status int, reason string) {
	if r.trailers || r.reason != "" {
		return 0, r.reason
	}
	if r.tooLarge { // some of it was not looked at
		return http.StatusRequestHeaderFieldsTooLarge, ""
	}
	s := r.s
	if !ascii.IsToken(s.Method) {
		return 0, "no valid :method"
	}
	if reason := r.target(); reason != "" {
		return 0, reason
	}
	if reason := r.authority(); reason != "" {
		return 0, reason
	}
	if r.cookies > 1 {
		s.joinCookies()
	}
	return 0, ""
}

// target checks :scheme, :path and :protocol.
func (r *requestReader) target() string {
	s := r.s
	if r.has(protocolField) {
		if !r.limits.Connect || s.Method != http.MethodConnect || !ascii.IsToken(s.Protocol) {
			return ":protocol is not for this request"
		}
	} else if s.Method == http.MethodConnect {
		if r.has(schemeField) || r.has(pathField) || !r.has(authorityField) {
			return "malformed CONNECT"
		}
		return ""
	}
	switch {
	case !validScheme(s.Scheme):
		return "no valid :scheme"
	case s.Path == "" || s.Path[0] != '/' && (s.Path != "*" || s.Method != http.MethodOptions):
		return "no valid :path"
	case strings.IndexByte(s.Path, '#') >= 0:
		return "a fragment in :path"
	}
	for i := range len(s.Path) {
		if s.Path[i] <= ' ' || s.Path[i] >= 0x7f {
			return "invalid character in :path"
		}
	}
	return ""
}

func validScheme(s string) bool {
	if s == "https" || s == "http" {
		return true
	}
	for i := range len(s) {
		c := ascii.Lower(s[i])
		if !('a' <= c && c <= 'z') && (i == 0 || !('0' <= c && c <= '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

// authority finds whom the request is for (RFC 9113, section 8.3.1).
func (r *requestReader) authority() string {
	s := r.s
	switch {
	case r.hosts > 1:
		return "several host fields"
	case r.hosts == 1 && r.has(authorityField) && !ascii.EqualFold(r.host, s.Authority):
		return "host is not :authority"
	case r.hosts == 1:
		s.Authority = r.host
	}
	if s.Authority == r.valid && s.Authority != "" {
		return ""
	}
	if _, _, ok := authority.Split(s.Authority); !ok || s.Authority == "" {
		return "no valid :authority"
	}
	r.valid = s.Authority
	return ""
}

// joinCookies makes one field of the crumbs (RFC 9113, section 8.2.3).
func (s *Stream) joinCookies() {
	var b strings.Builder
	at, kept := -1, s.Fields[:0]
	for _, f := range s.Fields {
		if f.Name != "cookie" {
			kept = append(kept, f)
			continue
		}
		if at < 0 {
			at = len(kept)
			kept = append(kept, f)
		} else {
			b.WriteString("; ")
		}
		b.WriteString(f.Value)
	}
	kept[at].Value = b.String()
	s.Fields = kept
}

// parseLength parses a Content-Length (RFC 9110, section 8.6).
func parseLength(v string) (int64, bool) {
	if v == "" || len(v) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return 0, false
		}
		n = 10*n + int64(v[i]-'0')
	}
	return n, true
}
