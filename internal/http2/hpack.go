package http2

import (
	"github.com/tako-go/tako/internal/ascii"
)

// Field is a header or trailer field of a request. Its name is in lower case.
type Field struct{ Name, Value string }

// kind tells apart what needs a look in a request.
type kind uint8

const (
	plainField kind = iota
	methodField
	schemeField
	authorityField
	pathField
	protocolField
	lengthField
	cookieField
	hostField
	priorityField
	expectField
	badField // must not be in a request at all
)

// entry is a field as the tables of HPACK have it, looked at once.
type entry struct {
	Field
	kind kind
}

// entryCost is what an entry takes of a table beside its name and value (RFC 7541,
// section 4.1).
const entryCost = 32

func (e *entry) size() int { return len(e.Name) + len(e.Value) + entryCost }

// classify says what a field is in a request, and whether it may be in one (RFC 9113,
// section 8.2).
func classify(name, value string) kind {
	if name == "" || !ascii.IsFieldValue(value) || ascii.Trim(value) != value {
		return badField
	}
	if name[0] == ':' {
		switch name {
		case ":method":
			return methodField
		case ":scheme":
			return schemeField
		case ":authority":
			return authorityField
		case ":path":
			return pathField
		case ":protocol":
			return protocolField
		}
		return badField
	}
	for i := range len(name) {
		if 'A' <= name[i] && name[i] <= 'Z' {
			return badField
		}
	}
	if !ascii.IsToken(name) {
		return badField
	}
	switch name {
	case "content-length":
		return lengthField
	case "cookie":
		return cookieField
	case "host":
		return hostField
	case "priority":
		return priorityField
	case "expect":
		return expectField
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		return badField
	case "te":
		if !ascii.EqualFold(value, "trailers") {
			return badField
		}
	}
	return plainField
}

// staticTable is that of RFC 7541, appendix A.
var staticTable = [...]entry{
	{}, // indices begin with 1
	{Field{":authority", ""}, authorityField},
	{Field{":method", "GET"}, methodField},
	{Field{":method", "POST"}, methodField},
	{Field{":path", "/"}, pathField},
	{Field{":path", "/index.html"}, pathField},
	{Field{":scheme", "http"}, schemeField},
	{Field{":scheme", "https"}, schemeField},
	{Field{":status", "200"}, badField},
	{Field{":status", "204"}, badField},
	{Field{":status", "206"}, badField},
	{Field{":status", "304"}, badField},
	{Field{":status", "400"}, badField},
	{Field{":status", "404"}, badField},
	{Field{":status", "500"}, badField},
	{Field{"accept-charset", ""}, plainField},
	{Field{"accept-encoding", "gzip, deflate"}, plainField},
	{Field{"accept-language", ""}, plainField},
	{Field{"accept-ranges", ""}, plainField},
	{Field{"accept", ""}, plainField},
	{Field{"access-control-allow-origin", ""}, plainField},
	{Field{"age", ""}, plainField},
	{Field{"allow", ""}, plainField},
	{Field{"authorization", ""}, plainField},
	{Field{"cache-control", ""}, plainField},
	{Field{"content-disposition", ""}, plainField},
	{Field{"content-encoding", ""}, plainField},
	{Field{"content-language", ""}, plainField},
	{Field{"content-length", ""}, lengthField},
	{Field{"content-location", ""}, plainField},
	{Field{"content-range", ""}, plainField},
	{Field{"content-type", ""}, plainField},
	{Field{"cookie", ""}, cookieField},
	{Field{"date", ""}, plainField},
	{Field{"etag", ""}, plainField},
	{Field{"expect", ""}, expectField},
	{Field{"expires", ""}, plainField},
	{Field{"from", ""}, plainField},
	{Field{"host", ""}, hostField},
	{Field{"if-match", ""}, plainField},
	{Field{"if-modified-since", ""}, plainField},
	{Field{"if-none-match", ""}, plainField},
	{Field{"if-range", ""}, plainField},
	{Field{"if-unmodified-since", ""}, plainField},
	{Field{"last-modified", ""}, plainField},
	{Field{"link", ""}, plainField},
	{Field{"location", ""}, plainField},
	{Field{"max-forwards", ""}, plainField},
	{Field{"proxy-authenticate", ""}, plainField},
	{Field{"proxy-authorization", ""}, plainField},
	{Field{"range", ""}, plainField},
	{Field{"referer", ""}, plainField},
	{Field{"refresh", ""}, plainField},
	{Field{"retry-after", ""}, plainField},
	{Field{"server", ""}, plainField},
	{Field{"set-cookie", ""}, plainField},
	{Field{"strict-transport-security", ""}, plainField},
	{Field{"transfer-encoding", ""}, badField},
	{Field{"user-agent", ""}, plainField},
	{Field{"vary", ""}, plainField},
	{Field{"via", ""}, plainField},
	{Field{"www-authenticate", ""}, plainField},
}

const staticEntries = len(staticTable) - 1

// dynamicTable is the table that a decoder or encoder keeps (RFC 7541, section 2.3.2):
// the last entry is the newest.
type dynamicTable struct {
	all   []entry // those before first were evicted
	first int
	size  int
	max   int
}

func (t *dynamicTable) len() int { return len(t.all) - t.first }

// at returns the entry with this index behind the static table, 0 for the newest.
func (t *dynamicTable) at(i int) *entry { return &t.all[len(t.all)-1-i] }

func (t *dynamicTable) add(e entry) {
	n := e.size()
	t.evict(n)
	if n > t.max {
		return
	}
	if t.first > 0 && len(t.all) == cap(t.all) {
		n := copy(t.all, t.all[t.first:])
		clear(t.all[n:])
		t.all, t.first = t.all[:n], 0
	}
	t.all = append(t.all, e)
	t.size += n
}

// evict makes room for n bytes.
func (t *dynamicTable) evict(n int) {
	for t.size+n > t.max && t.first < len(t.all) {
		t.size -= t.all[t.first].size()
		t.all[t.first] = entry{}
		t.first++
	}
	if t.first == len(t.all) {
		t.all, t.first = t.all[:0], 0
	}
}

func (t *dynamicTable) resize(n int) {
	t.max = n
	t.evict(0)
}
