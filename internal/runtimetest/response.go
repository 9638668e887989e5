package runtimetest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// response is what a server answered, read without any leniency.
type response struct {
	status   int
	fields   []field
	trailer  []field
	body     string
	interim  []int // statuses of 1xx responses before it
	chunked  bool
	declared int // Content-Length, -1 without
}

type field struct{ name, value string }

var (
	statusLine = regexp.MustCompile(`^HTTP/1\.[01] ([1-9][0-9][0-9]) ([\x20-\x7e]*)$`)
	fieldLine  = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\\x20-\\x7e\\x80-\\xff\t]*[\\x21-\\x7e\\x80-\\xff])?)[ \t]*$")
	errCut     = errors.New("the response is cut off")
	errEnd     = errors.New("the connection ended without a response")
)

// get returns the first value of a field.
func (r *response) get(name string) string {
	if all := r.all(name); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (r *response) all(name string) (values []string) {
	for _, f := range r.fields {
		if strings.EqualFold(f.name, name) {
			values = append(values, f.value)
		}
	}
	return values
}

// closes reports whether the server says that it ends the connection.
func (r *response) closes() bool { return strings.EqualFold(r.get("Connection"), "close") }

// line returns the value behind name= in a body of such lines.
func (r *response) line(name string) string {
	for line := range strings.Lines(r.body) {
		if value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+"="); ok {
			return value
		}
	}
	return ""
}

// readResponse reads one final response. The error matches errCut if it began but
// did not end.
func readResponse(br *bufio.Reader, method string) (*response, error) {
	var interim []int
	for {
		r, err := readHead(br)
		if err != nil {
			return nil, err
		}
		if r.status >= 200 || r.status == 101 {
			r.interim = interim
			return r, r.readBody(br, method)
		}
		interim = append(interim, r.status)
		if r.declared >= 0 || r.chunked {
			return nil, fmt.Errorf("status %d has a body length", r.status)
		}
	}
}

func readLine(br *bufio.Reader) (string, error) {
	line, err := br.ReadString('\n')
	switch {
	case err != nil && line != "":
		return "", fmt.Errorf("%w in line %.100q: %w", errCut, line, err)
	case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
		return "", fmt.Errorf("%w: %w", errEnd, err)
	case err != nil:
		return "", err
	}
	if !strings.HasSuffix(line, "\r\n") {
		return "", fmt.Errorf("line %.100q ends in a bare line feed", line)
	}
	return line[:len(line)-2], nil
}

func readHead(br *bufio.Reader) (*response, error) {
	line, err := readLine(br)
	if err != nil {
		return nil, err
	}
	m := statusLine.FindStringSubmatch(line)
	if m == nil {
		return nil, fmt.Errorf("malformed status line %.100q", line)
	}
	r := &response{declared: -1}
	r.status, _ = strconv.Atoi(m[1])
	if r.fields, err = readFields(br); err != nil {
		return nil, err
	}
	switch lengths := r.all("Content-Length"); {
	case len(lengths) > 1:
		return nil, fmt.Errorf("more than one Content-Length: %q", lengths)
	case len(lengths) == 1:
		if r.declared, err = strconv.Atoi(lengths[0]); err != nil || r.declared < 0 {
			return nil, fmt.Errorf("Content-Length %q", lengths[0])
		}
	}
	if codings := r.all("Transfer-Encoding"); len(codings) > 0 {
		if len(codings) > 1 || codings[0] != "chunked" || r.declared >= 0 {
			return nil, fmt.Errorf("Transfer-Encoding %q, length %d", codings, r.declared)
		}
		r.chunked = true
	}
	return r, nil
}

func readFields(br *bufio.Reader) (fields []field, err error) {
	for {
		line, err := readLine(br)
		if err != nil {
			return nil, fmt.Errorf("%w in the head: %w", errCut, err)
		}
		if line == "" {
			return fields, nil
		}
		m := fieldLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("malformed field line %.100q", line)
		}
		fields = append(fields, field{m[1], m[2]})
	}
}

func (r *response) readBody(br *bufio.Reader, method string) error {
	switch {
	case r.status == 204 || r.status == 101:
		if r.declared >= 0 || r.chunked {
			return fmt.Errorf("status %d has a body length", r.status)
		}
		return nil
	case method == "HEAD" || r.status == 304:
		return nil
	case r.chunked:
		return r.readChunks(br)
	case r.declared >= 0:
		body := make([]byte, r.declared)
		n, err := io.ReadFull(br, body)
		r.body = string(body[:n])
		if err != nil {
			return fmt.Errorf("%w after %d of %d bytes: %w", errCut, n, r.declared, err)
		}
		return nil
	}
	body, err := io.ReadAll(br)
	r.body = string(body)
	return err
}

func (r *response) readChunks(br *bufio.Reader) error {
	var body strings.Builder
	defer func() { r.body = body.String() }()
	for {
		line, err := readLine(br)
		if err != nil {
			return fmt.Errorf("%w before a chunk: %w", errCut, err)
		}
		size, err := strconv.ParseUint(line, 16, 31)
		if err != nil {
			return fmt.Errorf("malformed chunk size %.100q", line)
		}
		if size == 0 {
			r.trailer, err = readFields(br)
			return err
		}
		if n, err := io.CopyN(&body, br, int64(size)); err != nil {
			return fmt.Errorf("%w after %d of %d bytes of a chunk: %w", errCut, n, size, err)
		}
		if end, err := readLine(br); err != nil || end != "" {
			return fmt.Errorf("%w: no line end behind a chunk: %q, %w", errCut, end, errors.Join(err))
		}
	}
}

// cutOff reports whether a response began, or should have, and the connection ended.
func cutOff(err error) bool {
	return (errors.Is(err, errCut) || errors.Is(err, errEnd)) && !errors.Is(err, os.ErrDeadlineExceeded)
}

func itoa(n int) string { return strconv.Itoa(n) }

func hex(n int) string { return strconv.FormatInt(int64(n), 16) }
