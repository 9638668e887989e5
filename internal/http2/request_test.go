package http2

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// spelt writes what a request says as text.
func spelt(s *Stream) string {
	text := fmt.Sprintf("%s %s %s %s", s.Method, s.Scheme, s.Authority, s.Path)
	if s.Protocol != "" {
		text += " over " + s.Protocol
	}
	for _, f := range s.Fields {
		text += " " + f.Name + "=" + f.Value
	}
	if s.Length >= 0 {
		text += fmt.Sprintf(" (%d)", s.Length)
	}
	if s.Expect {
		text += " (100)"
	}
	return text
}

// TestRequests reads requests, well-formed or not (RFC 9113, section 8). A verdict
// that is no text of a request is that of peer.verdict.
func TestRequests(t *testing.T) {
	const head = "GET https a.example /"
	without := func(name string, more ...string) (kept []string) {
		for _, f := range ask("GET", more...) {
			if !strings.HasPrefix(f, name+"=") {
				kept = append(kept, f)
			}
		}
		return kept
	}
	with := func(field string, more ...string) []string {
		name, _, _ := strings.Cut(field[1:], "=")
		return append([]string{field}, without(field[:1]+name, more...)...)
	}
	tests := []struct {
		name   string
		fields []string
		want   string
	}{
		{"plain", ask("GET"), head},
		{"fields", ask("GET", "a=1", "b=2", "a=3"), head + " a=1 b=2 a=3"},
		{"empty value", ask("GET", "a="), head + " a="},
		{"never indexed", ask("GET", "x-never=1"), head + " x-never=1"},
		{"obs-text", ask("GET", "a=\xff\x80"), head + " a=\xff\x80"},
		{"any method", ask("B-REW"), "B-REW https a.example /"},
		{"no method", without(":method"), streamProtocol},
		{"empty method", ask(""), streamProtocol},
		{"method with a space", ask("GE T"), streamProtocol},
		{"no scheme", without(":scheme"), streamProtocol},
		{"empty scheme", with(":scheme="), streamProtocol},
		{"http", with(":scheme=http"), "GET http a.example /"},
		{"other scheme", with(":scheme=coap+tcp"), "GET coap+tcp a.example /"},
		{"scheme of a digit", with(":scheme=1a"), streamProtocol},
		{"scheme with a slash", with(":scheme=a/"), streamProtocol},
		{"no path", without(":path"), streamProtocol},
		{"empty path", with(":path="), streamProtocol},
		{"relative path", with(":path=a"), streamProtocol},
		{"absolute URL", with(":path=https://a.example/"), streamProtocol},
		{"query", with(":path=/?a=b"), head + "?a=b"},
		{"fragment", with(":path=/#a"), streamProtocol},
		{"space in path", with(":path=/a b"), streamProtocol},
		{"control in path", with(":path=/a\x7f"), streamProtocol},
		{"other letters in path", with(":path=/\xc3\xa4"), streamProtocol},
		{"asterisk", with(":path=*"), streamProtocol},
		{"OPTIONS asterisk", []string{":method=OPTIONS", ":scheme=http", ":authority=a", ":path=*"}, "OPTIONS http a *"},
		{"no authority", without(":authority"), streamProtocol},
		{"empty authority", with(":authority="), streamProtocol},
		{"authority with user", with(":authority=u@a.example"), streamProtocol},
		{"authority with port", with(":authority=a.example:8443"), "GET https a.example:8443 /"},
		{"host alone", without(":authority", "host=b.example"), "GET https b.example /"},
		{"host beside", ask("GET", "host=A.Example"), "GET https A.Example /"},
		{"host that differs", ask("GET", "host=b.example"), streamProtocol},
		{"empty host beside", ask("GET", "host="), streamProtocol},
		{"two hosts", ask("GET", "host=a.example", "host=a.example"), streamProtocol},
		{"host that is invalid", without(":authority", "host=a b"), streamProtocol},
		{"CONNECT", []string{":method=CONNECT", ":authority=a:443"}, "CONNECT  a:443 "},
		{"CONNECT with path", []string{":method=CONNECT", ":authority=a:443", ":path=/"}, streamProtocol},
		{"CONNECT with scheme", []string{":method=CONNECT", ":authority=a:443", ":scheme=https"}, streamProtocol},
		{"CONNECT without authority", []string{":method=CONNECT", "host=a:443"}, streamProtocol},
		{"extended CONNECT that was not offered", ask("CONNECT", ":protocol=websocket"), streamProtocol},
		{"protocol", ask("GET", ":protocol=websocket"), streamProtocol},
		{"twice", ask("GET", ":path=/"), streamProtocol},
		{"pseudo-field behind others", append(ask("GET", "a=b"), ":path=/"), streamProtocol},
		{"pseudo-field of a response", ask("GET", ":status=200"), streamProtocol},
		{"unknown pseudo-field", ask("GET", ":foo=bar"), streamProtocol},
		{"upper case", ask("GET", "Aa=b"), streamProtocol},
		{"space in name", ask("GET", "a b=c"), streamProtocol},
		{"colon in name", ask("GET", "a:=c"), streamProtocol},
		{"line feed in value", ask("GET", "a=b\nc"), streamProtocol},
		{"zero in value", ask("GET", "a=b\x00c"), streamProtocol},
		{"space before value", ask("GET", "a= b"), streamProtocol},
		{"tab behind value", ask("GET", "a=b\t"), streamProtocol},
		{"connection", ask("GET", "connection=close"), streamProtocol},
		{"proxy-connection", ask("GET", "proxy-connection=close"), streamProtocol},
		{"keep-alive", ask("GET", "keep-alive=1"), streamProtocol},
		{"transfer-encoding", ask("GET", "transfer-encoding=chunked"), streamProtocol},
		{"upgrade", ask("GET", "upgrade=h2c"), streamProtocol},
		{"te trailers", ask("GET", "te=Trailers"), head + " te=Trailers"},
		{"te gzip", ask("GET", "te=gzip"), streamProtocol},
		{"cookies", ask("GET", "cookie=a=1", "b=2", "cookie=c=3", "cookie=d=4"), head + " cookie=a=1; c=3; d=4 b=2"},
		{"one cookie", ask("GET", "cookie=a=1"), head + " cookie=a=1"},
		{"length 0", ask("GET", "content-length=0"), head + " content-length=0 (0)"},
		{"length of what does not come", ask("GET", "content-length=1"), streamProtocol},
		{"length with a sign", ask("GET", "content-length=+0"), streamProtocol},
		{"empty length", ask("GET", "content-length="), streamProtocol},
		{"length beyond all", ask("GET", "content-length=1000000000000000000"), streamProtocol},
		{"same length twice", ask("GET", "content-length=0", "content-length=00"), head + " content-length=0 content-length=00 (0)"},
		{"lengths that differ", ask("GET", "content-length=0", "content-length=1"), streamProtocol},
		{"expect", ask("GET", "expect=100-Continue"), head + " expect=100-Continue (100)"},
		{"expect something else", ask("GET", "expect=cake"), head + " expect=cake"},
		{"no fields", nil, streamProtocol},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, nil)
			p.request(1, true, test.fields...)
			if s := p.Next(); s != nil {
				assert.Equal(t, spelt(s), test.want)
				assert.Equal(t, s.Complete(), true)
				answer(s)
			} else {
				assert.Equal(t, p.verdict(), test.want)
				assert.Equal(t, p.Refused(), 1)
			}
			assert.Equal(t, p.Refused(), 0)
			assert.Equal(t, spelt(p.get(3, "a=b")), head+" a=b", "the next one")
			p.settle()
		})
	}
}

func TestExtendedConnect(t *testing.T) {
	for want, fields := range map[string][]string{
		"CONNECT https a.example / over websocket": ask("CONNECT", ":protocol=websocket"),
		"CONNECT  a.example ":                      {":method=CONNECT", ":authority=a.example"},
		"":                                         ask("GET", ":protocol=websocket"),
	} {
		p := connect(t, func(c *Config) { c.Connect = true })
		p.request(1, false, fields...)
		got := ""
		if s := p.Next(); s != nil {
			got = spelt(s)
		}
		assert.Equal(t, got, want)
	}
	for _, fields := range [][]string{ask("CONNECT", ":protocol="), ask("CONNECT", ":protocol=a b"), {":method=CONNECT", ":protocol=a", ":authority=a"}} {
		p := connect(t, func(c *Config) { c.Connect = true })
		p.request(1, false, fields...)
		assert.Equal(t, p.verdict(), streamProtocol, fields)
	}
}

// TestBodies sends bodies that are as long as declared, or are not.
func TestBodies(t *testing.T) {
	tests := []struct {
		name   string
		length string
		send   func(p *peer)
		want   string // what is read, or the verdict
	}{
		{"none", "", func(p *peer) { p.data(1, true, "") }, "<end>"},
		{"one frame", "", func(p *peer) { p.data(1, true, "hello") }, "hello<end>"},
		{"two frames", "5", func(p *peer) { p.data(1, false, "hel"); p.data(1, true, "lo") }, "hello<end>"},
		{"an own end", "5", func(p *peer) { p.data(1, false, "hello"); p.data(1, true, "") }, "hello<end>"},
		{"no end", "5", func(p *peer) { p.data(1, false, "hello") }, "hello"},
		{"padding", "5", func(p *peer) { p.do(p.w.WriteDataPadded(1, true, []byte("hello"), make([]byte, 255))) }, "hello<end>"},
		{"trailers", "5", func(p *peer) { p.data(1, false, "hello"); p.request(1, true, "sum=1", "a=b") }, "hello<end> sum=1 a=b"},
		{"trailers alone", "", func(p *peer) { p.request(1, true, "sum=1") }, "<end> sum=1"},
		{"no trailers in their frame", "", func(p *peer) { p.request(1, true) }, "<end>"},
		{"too long", "4", func(p *peer) { p.data(1, false, "hello") }, streamProtocol},
		{"too short", "6", func(p *peer) { p.data(1, true, "hello") }, streamProtocol},
		{"too short for trailers", "6", func(p *peer) { p.data(1, false, "hello"); p.request(1, true, "a=b") }, streamProtocol},
		{"trailer that is malformed", "", func(p *peer) { p.request(1, true, "A=b") }, streamProtocol},
		{"trailer of framing", "", func(p *peer) { p.request(1, true, "content-length=0") }, streamProtocol},
		{"trailer of routing", "", func(p *peer) { p.request(1, true, "host=a.example") }, streamProtocol},
		{"trailer of the connection", "", func(p *peer) { p.request(1, true, "connection=close") }, streamProtocol},
		{"pseudo-trailer", "", func(p *peer) { p.request(1, true, ":path=/") }, streamProtocol},
		{"trailers that are too large", "", func(p *peer) { p.request(1, true, "a="+strings.Repeat("x", 66_000)) }, streamProtocol},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, nil)
			more := []string{}
			if test.length != "" {
				more = append(more, "content-length="+test.length)
			}
			s := p.post(1, more...)
			assert.Equal(t, len(s.Trailers()), 0)
			test.send(p)
			got, err := readAll(s)
			for _, trailer := range s.Trailers() {
				got += " " + trailer.Name + "=" + trailer.Value
			}
			if err != nil {
				got = p.verdict()
				var reset *StreamError
				assert.Equal(t, asStreamError(err, &reset) && !reset.Remote && reset.Reason != "", true, err)
			}
			assert.Equal(t, got, test.want)
			s.Reset(Cancel, "")
			s.Release()
			p.settle()
		})
	}
}
