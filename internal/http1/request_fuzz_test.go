package http1

import (
	"bufio"
	"bytes"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// seeds are the heads of the tables, and some with a body behind.
func seeds() (all [][]byte) {
	for _, row := range headRows() {
		if len(row.text) <= 600 && (!strings.HasPrefix(row.name, "byte ") || strings.HasSuffix(row.name, "5 in value")) {
			all = append(all, []byte(row.text))
		}
	}
	return append(all, []byte(smallGet), []byte(browserGet),
		[]byte("POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		[]byte("POST /form HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
		[]byte("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
		[]byte("GET / HTTP/1.1\r\nHost: a\r\nPragma: no-cache\r\nTrailer: Content-Length\r\n\r\n"),
		[]byte("GET / HTTP/1.1\nHost: a\nX: y\n z\n\n"))
}

// FuzzRequest demands that a verdict stands: what is behind a head does not change
// it, no beginning of a head is whole, and what begins badly ends badly.
func FuzzRequest(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed, uint16(0), uint16(0), byte(0))
		f.Add(seed, uint16(len(seed)-1), uint16(10), byte(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, headBytes, targetBytes uint16, fields byte) {
		limits := Limits{HeadBytes: int(headBytes), TargetBytes: int(targetBytes), Fields: int(fields)}
		var r Request
		done, err := r.Parse(b, &limits)
		checkVerdict(t, b, done, err)
		var whole reading
		if done {
			whole = read(t, &r, b)
			checkReading(t, b, whole, limits)
		}
		refused := false
		for n := range min(len(b), 700) {
			var part Request
			if n%2 == 0 {
				part = r // a used one, with the memory that it keeps
			}
			doneHere, errHere := part.Parse(b[:n:n], &limits)
			switch {
			case doneHere && (!done || n < whole.Size):
				t.Fatalf("%q is whole, but of %q it is not", b[:n], b)
			case done && doneHere != (n >= whole.Size):
				t.Fatalf("%q: got %v for the first %d bytes", b, doneHere, n)
			case errHere != nil && err == nil:
				t.Fatalf("%q: error %v for the first %d bytes, which are not bad", b, errHere, n)
			case refused && errHere == nil:
				t.Fatalf("%q: refused before its first %d bytes, but not with them", b, n)
			}
			refused = errHere != nil
			if doneHere && !reflect.DeepEqual(read(t, &part, b[:n]), whole) {
				t.Fatalf("%q: got %+v, want %+v", b[:n], part, whole)
			}
		}
		if done {
			var cut Request
			if done, err := cut.Parse(b[:whole.Size:whole.Size], &limits); !done || err != nil || !reflect.DeepEqual(read(t, &cut, b[:whole.Size]), whole) {
				t.Fatalf("%q alone: got %v, error %v and %+v, want %+v", b[:whole.Size], done, err, cut, whole)
			}
		}
	})
}

func checkVerdict(t *testing.T, b []byte, done bool, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if e, ok := err.(*Error); !ok || done || e.Status < 400 || e.Status > 599 {
		t.Fatalf("%q: got %v and error %v", b, done, err)
	}
}

// checkReading holds what was read against the rules on its parts.
func checkReading(t *testing.T, b []byte, r reading, limits Limits) {
	t.Helper()
	over := func(n, limit int) bool { return limit > 0 && n > limit }
	if over(r.Size, limits.HeadBytes) || over(len(r.Target), limits.TargetBytes) || over(len(r.Fields), limits.Fields) {
		t.Fatalf("%q is over its limits %+v", b, limits)
	}
	if !bytes.HasSuffix(b[:r.Size], []byte("\r\n")) || r.Method == "" || r.Target == "" || r.Minor > 1 || r.Length < -1 || r.Declared && r.Length < 0 || !r.Declared && r.Length > 0 {
		t.Fatalf("%q: got %+v", b, r)
	}
	if naive([]byte(r.Method), 0, inToken) != len(r.Method) || naive([]byte(r.Target), 0, inTarget) != len(r.Target) {
		t.Fatalf("%q: got method %q and target %q", b, r.Method, r.Target)
	}
	for _, field := range r.Fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "" || naive([]byte(name), 0, inToken) != len(name) || naive([]byte(value), 0, inValue) != len(value) || strings.Trim(value, " \t") != value {
			t.Fatalf("%q: got field %q", b, field)
		}
	}
}

// A head as net/http takes it, with the text of it.
type foreign struct {
	*http.Request
	head string
}

// lines returns the values of the field lines with a name.
func (f foreign) lines(name string) (values []string) {
	for line := range strings.SplitSeq(f.head, "\n") {
		if n, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			values = append(values, strings.Trim(value, " \t\r"))
		}
	}
	return values
}

var (
	bareLineFeed = regexp.MustCompile(`(^|[^\r])\n`)
	folded       = regexp.MustCompile(`\n[ \t]`)
	spaceInName  = regexp.MustCompile(`(?m)^[^:\r\n]* [^:\r\n]*:`)
)

// stricter says for each of our errors when net/http takes a request that we
// refuse, and why we do. What is not here is a disagreement.
var stricter = map[*Error]func(f foreign) bool{
	// A line feed alone is where parsers differ (RFC 9112, section 2.2 leaves it open).
	// A target must have one of the four forms of section 3.2, with a scheme we serve.
	ErrRequestLine: func(f foreign) bool {
		return bareLineFeed.MatchString(f.head) || !regexp.MustCompile(`^(/|\*$|(?i:https?)://)`).MatchString(f.RequestURI)
	},
	// net/http serves any major version up to 9 as if it were its own.
	ErrVersion: func(f foreign) bool { return f.ProtoMajor != 1 },
	// RFC 3986 has no bytes beyond ASCII, and a fragment is never sent. Clients take a
	// backslash for a slash, so a path with one means two things. CONNECT needs a host
	// and a port (RFC 9112, section 3.2.3).
	ErrTarget: func(f foreign) bool {
		path, _, _ := strings.Cut(f.RequestURI, "?")
		odd := strings.IndexFunc(f.RequestURI, func(c rune) bool { return c > 0x7f || c == '#' }) >= 0
		return odd || strings.Contains(path, `\`) || f.Method == "CONNECT" && !(isAuthority(f.RequestURI) && regexp.MustCompile(`:[0-9]+$`).MatchString(f.RequestURI))
	},
	// A line feed alone, as above. Folded lines are read in many ways, and section 5.2
	// says to refuse them. A space in a name, or between it and the colon, is refused by
	// section 5.1 for how it is used to smuggle; the server of net/http does so too.
	ErrField: func(f foreign) bool {
		_, fields, _ := strings.Cut(f.head, "\n")
		return bareLineFeed.MatchString(f.head) || folded.MatchString(f.head) || spaceInName.MatchString(fields)
	},
	// net/http looks at Host in its server only, and less closely. Section 3.2 demands
	// just one that is valid, also beside an absolute target.
	ErrHost: func(f foreign) bool {
		hosts := f.lines("Host")
		return len(hosts) == 0 && f.ProtoMinor > 0 || len(hosts) == 1 && !isAuthority(hosts[0])
	},
	// A user in it is a way to hide the host (RFC 9110, section 4.2.4).
	ErrAbsolute: func(f foreign) bool {
		_, rest, _ := strings.Cut(f.RequestURI, "://")
		return !isAuthority(rest[:authorityEnd(rest)])
	},
	// More digits than any length needs, or a number that is folded.
	ErrLength: func(f foreign) bool {
		return folded.MatchString(f.head) || slices.ContainsFunc(f.lines("Content-Length"), func(s string) bool { return len(s) > 19 })
	},
	// net/http ignores Transfer-Encoding in HTTP/1.0, so that the body is read as the
	// next request (RFC 9112, section 6.1 calls it faulty). A coding may be folded, too.
	ErrCoding: func(f foreign) bool {
		return f.lines("Transfer-Encoding") != nil && (f.ProtoMinor == 0 || folded.MatchString(f.head))
	},
	ErrCodingUnknown: func(f foreign) bool { return f.ProtoMinor == 0 && f.lines("Transfer-Encoding") != nil },
	// net/http takes the coding and forgets the length; section 6.1 allows to refuse,
	// as it is how requests are smuggled.
	ErrLengthAndCoding: func(f foreign) bool { return f.lines("Transfer-Encoding") != nil && f.lines("Content-Length") != nil },
	// RFC 9110, section 10.1.1 allows 417; the server of net/http answers so too.
	ErrExpectation: func(f foreign) bool {
		return f.ProtoMinor > 0 && slices.ContainsFunc(f.lines("Expect"), func(s string) bool { return !strings.EqualFold(s, "100-continue") })
	},
}

func authorityEnd(s string) int {
	if i := strings.IndexAny(s, "/?"); i >= 0 {
		return i
	}
	return len(s)
}

var authorityForm = regexp.MustCompile(`^(?:[A-Za-z0-9._~!$&'()*+,;=-]+|\[([0-9A-Fa-f:.]+)\])(?::([0-9]*))?$`)

// isAuthority is the rule of internal/authority, said in another way.
func isAuthority(s string) bool {
	parts := authorityForm.FindStringSubmatch(s)
	if host, _, _ := strings.Cut(s, ":"); parts == nil || host == "." || host == ".." {
		return false
	}
	if parts[1] != "" {
		if addr, err := netip.ParseAddr(parts[1]); err != nil || !addr.Is6() {
			return false
		}
	}
	if port := strings.TrimLeft(parts[2], "0"); port != "" {
		n, err := strconv.Atoi(port)
		return err == nil && n <= 65535
	}
	return true
}

// looser says whether net/http refuses for a reason that is not one of ours.
func looser(r reading, err error) bool {
	path, _, _ := strings.Cut(r.Target, "?")
	if _, escape := url.PathUnescape(path); escape != nil {
		return true // broken escapes are the router's to refuse
	}
	// A Trailer field that announces what no trailer may be: those we drop when they come.
	return r.Length < 0 && strings.Contains(err.Error(), "bad trailer key")
}

// FuzzRequestAgainstNetHTTP demands that net/http takes what we take and reads the
// same in it, and that we refuse what it takes for a stated reason only.
func FuzzRequestAgainstNetHTTP(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Request
		done, err := r.Parse(b, &Limits{})
		// net/http does not skip the empty line that RFC 9112, section 2.2 speaks of.
		source := bytes.NewReader(bytes.TrimPrefix(b, []byte("\r\n")))
		size := source.Len()
		buffered := bufio.NewReader(source)
		req, refusal := http.ReadRequest(buffered)
		if !done {
			if refusal != nil {
				return
			}
			theirs := foreign{req, string(bytes.TrimPrefix(b, []byte("\r\n"))[:size-source.Len()-buffered.Buffered()])}
			e, _ := err.(*Error)
			if reason := stricter[e]; reason == nil || !reason(theirs) {
				t.Fatalf("%q: got error %v, net/http reads %q", b, err, theirs.head)
			}
			return
		}
		got := read(t, &r, b)
		if refusal != nil {
			if !looser(got, refusal) {
				t.Fatalf("%q: got %+v, net/http refuses it: %v", b, got, refusal)
			}
			return
		}
		if used := size - source.Len() - buffered.Buffered(); used != len(bytes.TrimPrefix(b[:got.Size], []byte("\r\n"))) {
			t.Fatalf("%q: size %d, for net/http %d", b, got.Size, used)
		}
		compare(t, b, got, req)
	})
}

func compare(t *testing.T, b []byte, got reading, req *http.Request) {
	t.Helper()
	atLeast11 := req.ProtoAtLeast(1, 1)
	want := reading{Method: req.Method, Target: req.RequestURI, Authority: req.Host, Length: req.ContentLength, Close: req.Close,
		Continue: atLeast11 && req.Header["Expect"] != nil,
		Declared: req.Header["Content-Length"] != nil, Size: got.Size, Fields: got.Fields}
	if atLeast11 {
		want.Minor = 1
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q:\n     got %+v\nnet/http %+v", b, got, want)
	}
	if ours := ourHeader(got); !reflect.DeepEqual(ours, req.Header) {
		t.Fatalf("%q:\n     got %q\nnet/http %q", b, ours, req.Header)
	}
}

// ourHeader makes of our fields what net/http makes of its own.
func ourHeader(r reading) http.Header {
	h := http.Header{}
	for _, field := range r.Fields {
		name, value, _ := strings.Cut(field, ": ")
		name = CanonicalName([]byte(name))
		h[name] = append(h[name], value)
	}
	delete(h, "Host")
	delete(h, "Transfer-Encoding")
	if r.Length < 0 {
		delete(h, "Trailer")
	}
	if lengths := h["Content-Length"]; len(lengths) > 1 {
		h["Content-Length"] = lengths[:1]
	}
	if slices.Equal(h["Pragma"][:min(1, len(h["Pragma"]))], []string{"no-cache"}) && h["Cache-Control"] == nil {
		h["Cache-Control"] = []string{"no-cache"}
	}
	return h
}
