package http2

import (
	"slices"
	"strings"

	"github.com/tako-go/tako/internal/ascii"
)

// fields encodes those fields of a response that HTTP/2 has (RFC 9113, section 8.2.2); named are
// others that are for the connection only.
func (c *Conn) fields(b []byte, h Fields, named []string) (_ []byte, dated bool) {
	if h == nil {
		return b, false
	}
	for i := range h.Len() {
		name, value := h.Field(i)
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te", "Http2-Settings", "Content-Length":
			continue
		}
		if named != nil && listed(named, name) {
			continue
		}
		if name == "Date" {
			dated = true
		}
		b = c.enc.field(b, name, value)
	}
	return b, dated
}

func listed(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return ascii.EqualFold(n, name) })
}

// connectionNames are the fields that Connection names, nil if there are none.
func connectionNames(h Fields) (names []string) {
	if h == nil {
		return nil
	}
	for i := range h.Len() {
		if name, list := h.Field(i); name == "Connection" {
			names = appendItems(names, list)
		}
	}
	return names
}

func appendItems(names []string, list string) []string {
	for item := range strings.SplitSeq(list, ",") {
		names = append(names, strings.Trim(item, " \t"))
	}
	return names
}
