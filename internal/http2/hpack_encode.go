package http2

import (
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// encoder writes header blocks. Names come in canonical form ("Content-Type"), the
// table keeps them so, and the wire has them in lower case.
type encoder struct {
	table   dynamicTable
	resized bool // the client has to be told the size of the table
	least   int  // smallest size since it was told
}

// mostEntries is how many of the newest entries are searched for a field.
const mostEntries = 48

// resize follows what the client allows.
func (c *encoder) resize(n int) {
	if n == c.table.max {
		return
	}
	if !c.resized || n < c.least {
		c.least = n
	}
	c.resized = true
	c.table.resize(n)
}

// begin begins a block.
func (c *encoder) begin(b []byte) []byte {
	if !c.resized {
		return b
	}
	c.resized = false
	if c.least < c.table.max {
		b = appendInt(b, 0x20, 5, c.least)
	}
	return appendInt(b, 0x20, 5, c.table.max)
}

// status writes the pseudo-field of a response.
func (c *encoder) status(b []byte, status int) []byte {
	switch status {
	case 200:
		return append(b, 0x80|8)
	case 204:
		return append(b, 0x80|9)
	case 206:
		return append(b, 0x80|10)
	case 304:
		return append(b, 0x80|11)
	case 400:
		return append(b, 0x80|12)
	case 404:
		return append(b, 0x80|13)
	case 500:
		return append(b, 0x80|14)
	}
	return strconv.AppendInt(append(b, 8, 3), int64(status), 10)
}

// length writes a Content-Length, which no table keeps.
func (c *encoder) length(b []byte, n int64) []byte {
	b = append(b, 0x0f, 28-15, 0)
	at := len(b)
	b = strconv.AppendInt(b, n, 10)
	b[at-1] = byte(len(b) - at)
	return b
}

// field writes a field with its canonical name.
func (c *encoder) field(b []byte, name, value string) []byte {
	for i := range min(c.table.len(), mostEntries) {
		if e := c.table.at(i); len(e.Value) == len(value) && e.Name == name && e.Value == value {
			return appendInt(b, 0x80, 7, staticEntries+1+i)
		}
	}
	how := howToSend(name)
	size := len(name) + len(value) + entryCost
	switch {
	case how.never:
		b = appendInt(b, 0x10, 4, int(how.static))
	case how.varies || size > c.table.max/2:
		b = appendInt(b, 0, 4, int(how.static))
	default:
		b = appendInt(b, 0x40, 6, int(how.static))
		c.table.add(entry{Field: Field{name, value}})
	}
	if how.static == 0 {
		b = appendName(b, name)
	}
	return appendText(b, value)
}

// sending is how a field is sent.
type sending struct {
	static uint8 // index of its name, 0 if there is none
	varies bool  // its value is rarely the same again
	never  bool  // nobody on the way may keep it either
}

// howToSend knows the names of the static table.
func howToSend(name string) sending {
	switch name {
	case "Accept-Ranges":
		return sending{static: 18}
	case "Access-Control-Allow-Origin":
		return sending{static: 20}
	case "Age":
		return sending{static: 21, varies: true}
	case "Allow":
		return sending{static: 22}
	case "Cache-Control":
		return sending{static: 24}
	case "Content-Disposition":
		return sending{static: 25, varies: true}
	case "Content-Encoding":
		return sending{static: 26}
	case "Content-Language":
		return sending{static: 27}
	case "Content-Location":
		return sending{static: 29, varies: true}
	case "Content-Range":
		return sending{static: 30, varies: true}
	case "Content-Type":
		return sending{static: 31}
	case "Date":
		return sending{static: 33}
	case "Etag":
		return sending{static: 34, varies: true}
	case "Expires":
		return sending{static: 36}
	case "Last-Modified":
		return sending{static: 44, varies: true}
	case "Link":
		return sending{static: 45}
	case "Location":
		return sending{static: 46, varies: true}
	case "Proxy-Authenticate":
		return sending{static: 48}
	case "Refresh":
		return sending{static: 52}
	case "Retry-After":
		return sending{static: 53}
	case "Server":
		return sending{static: 54}
	case "Set-Cookie":
		return sending{static: 55, never: true}
	case "Strict-Transport-Security":
		return sending{static: 56}
	case "Vary":
		return sending{static: 59}
	case "Via":
		return sending{static: 60}
	case "Www-Authenticate":
		return sending{static: 61}
	}
	return sending{}
}

// appendName appends a name in lower case, without a Huffman code: it is sent once.
func appendName(b []byte, name string) []byte {
	b = appendInt(b, 0, 7, len(name))
	for i := range len(name) {
		ch := name[i]
		if 'A' <= ch && ch <= 'Z' {
			ch |= 0x20
		}
		b = append(b, ch)
	}
	return b
}

// appendText appends a string literal in its shorter form.
func appendText(b []byte, s string) []byte {
	if n := hpack.HuffmanEncodeLength(s); n < uint64(len(s)) {
		return hpack.AppendHuffmanString(appendInt(b, 0x80, 7, int(n)), s)
	}
	return append(appendInt(b, 0, 7, len(s)), s...)
}

// appendInt appends an integer with this many bits in its first byte, beside flags.
func appendInt(b []byte, flags byte, bits uint8, n int) []byte {
	most := 1<<bits - 1
	if n < most {
		return append(b, flags|byte(n))
	}
	b = append(b, flags|byte(most))
	for n -= most; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}
