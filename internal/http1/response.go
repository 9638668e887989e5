package http1

import (
	"net/http"
	"strconv"
	"time"
)

// statusLines are those of the statuses that have a name.
var statusLines = func() (lines [600]string) {
	for status := range lines {
		if text := http.StatusText(status); text != "" {
			lines[status] = "HTTP/1.1 " + strconv.Itoa(status) + " " + text + "\r\n"
		}
	}
	return lines
}()

// AppendStatus appends a status line. It says HTTP/1.1 also to clients of HTTP/1.0
// (RFC 9110, section 6.2).
func AppendStatus(b []byte, status int) []byte {
	if status >= 0 && status < len(statusLines) && statusLines[status] != "" {
		return append(b, statusLines[status]...)
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	return append(b, " \r\n"...)
}

// AppendField appends a field line. Name and value must be valid.
func AppendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, '\r', '\n')
}

// AppendLength appends a Content-Length.
func AppendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = appendUint(b, uint64(n))
	return append(b, '\r', '\n')
}

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n < 10:
		return append(b, byte('0'+n))
	case n < 100:
		return append(b, byte('0'+n/10), byte('0'+n%10))
	}
	return strconv.AppendUint(b, n, 10)
}

// AppendDate appends the Date field (RFC 9110, section 6.6.1).
func AppendDate(b []byte, t time.Time) []byte {
	b = append(b, "Date: "...)
	b = t.UTC().AppendFormat(b, http.TimeFormat)
	return append(b, '\r', '\n')
}

// AppendRefusal appends a whole response that refuses a request and ends the
// connection.
func AppendRefusal(b []byte, err *Error, date []byte) []byte {
	text := http.StatusText(err.Status)
	b = AppendStatus(b, err.Status)
	b = append(b, date...)
	b = append(b, "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n"...)
	b = AppendLength(b, int64(len(text)+1))
	b = append(b, '\r', '\n')
	b = append(b, text...)
	return append(b, '\n')
}
