package http1

import (
	"bytes"
	"net/http"
	"unsafe"

	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/authority"
)

// found collects what the fields say before it is judged together.
type found struct {
	hosts     int
	coding    bool
	chunked   bool
	connClose bool
	keepAlive bool
	length    []byte
}

// Parse reads the head of a request at the beginning of b. It returns false if
// more bytes are needed. r refers to places in b; nothing is kept of b itself. An
// error is always an [*Error].
func (r *Request) Parse(b []byte, limits *Limits) (bool, error) {
	r.reset()
	i := 0
	if len(b) > 0 && b[0] == '\r' { // RFC 9112, section 2.2: an empty line before a request
		if len(b) < 2 {
			return false, nil
		}
		if b[1] != '\n' {
			return false, ErrRequestLine
		}
		i = 2
	}
	i, err := r.parseLine(b, i, limits)
	if err != nil {
		return false, err
	}
	if i < 0 {
		return false, cut(b, limits)
	}
	var f found
	if i, err = r.parseFields(b, i, limits, &f); err != nil {
		return false, err
	}
	if i < 0 {
		return false, cut(b, limits)
	}
	if limits.HeadBytes > 0 && i > limits.HeadBytes {
		return false, ErrHeadTooLarge
	}
	r.Size = i
	if err := r.judge(b, &f); err != nil {
		return false, err
	}
	return true, nil
}

// cut judges a head whose end has not come.
func cut(b []byte, limits *Limits) error {
	if limits.HeadBytes > 0 && len(b) >= limits.HeadBytes {
		return ErrHeadTooLarge
	}
	return nil
}

// parseLine reads the request line and returns where the fields begin, -1 if it is
// not whole.
func (r *Request) parseLine(b []byte, i int, limits *Limits) (int, error) {
	end := endOfToken(b, i)
	if end == len(b) {
		return -1, nil
	}
	if end == i || b[end] != ' ' {
		return 0, ErrRequestLine
	}
	r.Method = span(i, end)
	i = end + 1
	end = endOfTarget(b, i)
	r.Target = span(i, end)
	if limits.TargetBytes > 0 && end-i > limits.TargetBytes {
		return 0, ErrTargetTooLong
	}
	if end == len(b) {
		return -1, nil
	}
	if end == i {
		return 0, ErrRequestLine
	}
	if b[end] != ' ' {
		if b[end] == '\r' {
			return 0, ErrRequestLine
		}
		return 0, ErrTarget
	}
	return r.parseVersion(b, end+1)
}

const versionLine = len("HTTP/1.1\r\n")

func (r *Request) parseVersion(b []byte, i int) (int, error) {
	v := b[i:min(i+versionLine, len(b))]
	if len(v) == versionLine && string(v) == "HTTP/1.1\r\n" {
		r.Minor = 1
		return i + versionLine, nil
	}
	const form = "HTTP/9.9\r\n"
	for j, c := range v {
		switch {
		case form[j] == '9' && c >= '0' && c <= '9':
		case form[j] != c || form[j] == '9':
			return 0, ErrRequestLine
		}
	}
	if len(v) < versionLine {
		return -1, nil
	}
	if v[5] != '1' {
		return 0, ErrVersion
	}
	if v[7] != '0' {
		r.Minor = 1
	}
	return i + versionLine, nil
}

// parseFields reads the field lines and returns where the body begins, -1 if they
// are not whole.
func (r *Request) parseFields(b []byte, i int, limits *Limits, f *found) (int, error) {
	for {
		if i >= len(b) {
			return -1, nil
		}
		if b[i] == '\r' {
			if i+1 >= len(b) {
				return -1, nil
			}
			if b[i+1] != '\n' {
				return 0, ErrField
			}
			return i + 2, nil
		}
		field, next, err := parseField(b, i)
		if next <= 0 {
			return next, err
		}
		if limits.Fields > 0 && len(r.Fields) >= limits.Fields {
			return 0, ErrTooManyFields
		}
		r.Fields = append(r.Fields, field)
		if err := r.note(b, field, f); err != nil {
			return 0, err
		}
		i = next
	}
}

// parseField reads one field line and returns where the next begins: -1 if it is
// not whole, 0 with an error.
func parseField(b []byte, i int) (Field, int, error) {
	var field Field
	end := endOfToken(b, i)
	if end == len(b) {
		return field, -1, nil
	}
	if end == i || b[end] != ':' {
		return field, 0, ErrField
	}
	field.Name = span(i, end)
	i = end + 1
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
		i++
	}
	end = endOfValue(b, i)
	if end == len(b) || end+1 == len(b) && b[end] == '\r' {
		return field, -1, nil
	}
	if b[end] != '\r' || b[end+1] != '\n' {
		return field, 0, ErrField
	}
	next := end + 2
	for end > i && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	field.Value = span(i, end)
	return field, next, nil
}

// note looks at the fields that frame the message.
func (r *Request) note(b []byte, field Field, f *found) error {
	name, value := field.Name.Of(b), field.Value.Of(b)
	switch len(name) {
	case len("host"):
		if equalFold(name, "host") {
			f.hosts++
			r.Authority = field.Value
		}
	case len("expect"):
		if equalFold(name, "expect") && r.Minor > 0 {
			if !equalFold(value, "100-continue") {
				return ErrExpectation
			}
			r.Continue = true
		}
	case len("connection"):
		if equalFold(name, "connection") {
			connection(value, f)
		}
	case len("content-length"):
		if equalFold(name, "content-length") {
			return r.length(value, f)
		}
	case len("transfer-encoding"):
		if equalFold(name, "transfer-encoding") {
			return f.transfer(value)
		}
	}
	return nil
}

func connection(value []byte, f *found) {
	for len(value) > 0 {
		item := value
		if i := bytes.IndexByte(value, ','); i >= 0 {
			item, value = value[:i], value[i+1:]
		} else {
			value = nil
		}
		switch item = trim(item); {
		case equalFold(item, "close"):
			f.connClose = true
		case equalFold(item, "keep-alive"):
			f.keepAlive = true
		}
	}
}

// length reads a Content-Length. Lines that say the same count as one.
func (r *Request) length(value []byte, f *found) error {
	n := int64(0)
	if len(value) == 0 || len(value) > 19 {
		return ErrLength
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return ErrLength
		}
		n = n*10 + int64(c-'0')
		if n < 0 {
			return ErrLength
		}
	}
	if r.Declared && !bytes.Equal(value, f.length) {
		return ErrLength // two spellings of one number count as two numbers
	}
	r.Declared, r.Length, f.length = true, n, value
	return nil
}

// transfer reads a Transfer-Encoding: chunked is the only one there is.
func (f *found) transfer(value []byte) error {
	if f.coding {
		return ErrCoding
	}
	f.coding = true
	if equalFold(value, "chunked") {
		f.chunked = true
		return nil
	}
	last := value
	if i := bytes.LastIndexByte(value, ','); i >= 0 {
		last = trim(value[i+1:])
		if !equalFold(last, "chunked") || bytes.Contains(bytes.ToLower(value[:i]), []byte("chunked")) {
			return ErrCoding
		}
		return ErrCodingUnknown
	}
	if len(last) == 0 || endOfToken(last, 0) != len(last) || equalFold(last, "identity") {
		return ErrCoding
	}
	return ErrCodingUnknown
}

// judge decides what the fields mean together (RFC 9112, sections 3.2, 6.3 and 9.3).
func (r *Request) judge(b []byte, f *found) error {
	if f.coding {
		if r.Declared {
			return ErrLengthAndCoding
		}
		if r.Minor == 0 {
			return ErrCoding
		}
		r.Length = -1
	}
	r.Close = f.connClose || r.Minor == 0 && !f.keepAlive
	if f.hosts > 1 || f.hosts == 0 && r.Minor > 0 {
		return ErrHost
	}
	if err := r.checkHost(b, f); err != nil {
		return err
	}
	if b[r.Target.From] != '/' {
		return r.parseOther(b)
	}
	return r.checkPath(b)
}

// checkPath looks at what is wrong in a path although its characters are allowed in
// a target: a backslash, and escapes that are none.
func (r *Request) checkPath(b []byte) error {
	target := r.Target.Of(b)
	if bytes.IndexByte(target, '\\') < 0 && bytes.IndexByte(target, '%') < 0 {
		return nil
	}
	for i := 0; i < len(target); i++ {
		switch target[i] {
		case '?':
			return nil
		case '\\':
			return ErrTarget
		case '%':
			if i+2 >= len(target) {
				return ErrTarget
			}
			_, ok1 := ascii.Unhex(target[i+1])
			_, ok2 := ascii.Unhex(target[i+2])
			if !ok1 || !ok2 {
				return ErrTarget
			}
		}
	}
	return nil
}

// checkHost remembers the last valid host: a client sends the same again and again.
func (r *Request) checkHost(b []byte, f *found) error {
	host := r.Authority.Of(b)
	if len(r.host) > 0 && bytes.Equal(host, r.host) {
		return nil
	}
	if f.hosts == 0 || len(host) == 0 && r.Minor == 0 {
		return nil
	}
	if _, _, ok := authority.Split(view(host)); !ok {
		return ErrHost
	}
	if len(host) <= 256 {
		r.host = append(r.host[:0], host...)
	}
	return nil
}

// parseOther reads a target that is not a path: absolute-form, asterisk-form or,
// with CONNECT, authority-form.
func (r *Request) parseOther(b []byte) error {
	target := r.Target.Of(b)
	if string(r.Method.Of(b)) == http.MethodConnect {
		if _, port, ok := authority.Split(view(target)); !ok || port == "" {
			return ErrTarget
		}
		r.Authority = r.Target
		return nil
	}
	if string(target) == "*" {
		return nil
	}
	scheme, rest, ok := bytes.Cut(target, []byte("://"))
	if !ok || !equalFold(scheme, "http") && !equalFold(scheme, "https") {
		return ErrRequestLine
	}
	end := bytes.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	if _, _, ok := authority.Split(view(rest[:end])); !ok {
		return ErrAbsolute
	}
	from := int(r.Target.From) + len(scheme) + len("://")
	r.Authority = span(from, from+end)
	return r.checkPath(b)
}

// view is a string for calls that do not keep it.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
