package runtimetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

// A badHeader is one that closes its connection.
type badHeader struct {
	id   string
	text []byte
}

func badLines() []badHeader {
	line := func(id, text string) badHeader { return badHeader{"PP-03/" + id, []byte(text)} }
	return []badHeader{
		line("too-long", "PROXY TCP6 "+strings.Repeat("0:", 60)+" ::1 1 2\r\n"),
		line("never-ends", "PROXY UNKNOWN "+strings.Repeat("a", 200)),
		line("line-feed", "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\n"),
		line("lower-case", "PROXY tcp4 192.0.2.1 198.51.100.1 4711 443\r\n"),
		line("lower-case-signature", "proxy TCP4 192.0.2.1 198.51.100.1 4711 443\r\n"),
		line("port-65536", "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n"),
		line("port-negative", "PROXY TCP4 192.0.2.1 198.51.100.1 -1 443\r\n"),
		line("leading-zeros", "PROXY TCP4 192.0.2.1 198.51.100.1 04711 443\r\n"),
		line("leading-zeros-in-address", "PROXY TCP4 192.0.02.1 198.51.100.1 4711 443\r\n"),
		line("extra-field", "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 more\r\n"),
		line("missing-field", "PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n"),
		line("two-spaces", "PROXY TCP4 192.0.2.1  198.51.100.1 4711 443\r\n"),
		line("tcp4-with-ipv6", "PROXY TCP4 2001:db8::1 2001:db8::2 4711 443\r\n"),
		line("tcp6-with-ipv4", "PROXY TCP6 192.0.2.1 198.51.100.1 4711 443\r\n"),
		line("zone", "PROXY TCP6 fe80::1%lo ::1 4711 443\r\n"),
		line("other-protocol", "PROXY UDP4 192.0.2.1 198.51.100.1 4711 443\r\n"),
		line("nothing", "PROXY \r\n"),
	}
}

func badBlocks() []badHeader {
	block := func(id string, b proxyBlock) badHeader { return badHeader{"PP-05/" + id, b.bytes()} }
	good := toldBlock
	cut := good.bytes()
	cut[15] = 8 // of the twelve bytes that two addresses take
	long := proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{0xE5, []byte("four")}}}.bytes()
	long[len(long)-5] = 9
	nested := proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{tlvSSL, append([]byte{1, 0, 0, 0, 0}, 0x21, 0, 9, 'T')}}}.bytes()
	good.command, good.family = 0x11, 0x11
	unknown, family := good, good
	unknown.command, family.command, family.family = 0x22, 0x21, 0x41
	huge := append([]byte(proxySignature), 0x21, 0x11, 0xff, 0xff)
	tail := proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{0xE5, nil}}}.bytes()
	tail[15]-- // the last byte is that of the request now
	return []badHeader{
		block("version-1", good), block("unknown-command", unknown), block("unknown-family", family),
		{"PP-05/short-for-family", cut}, {"PP-05/long-tlv", long}, {"PP-05/long-nested-tlv", nested},
		{"PP-05/short-nested", proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{tlvSSL, []byte{1, 0}}}}.bytes()},
		{"PP-05/over-the-limit", huge}, {"PP-05/half-a-tlv", tail},
		block("long-id", proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{tlvUniqueID, make([]byte, 129)}}}),
	}
}

func badSums() []badHeader {
	sum := func(size int) []byte {
		return proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{tlvCRC32C, make([]byte, size)}}}.bytes()
	}
	twice := proxyBlock{from: toldFour, to: toldServer, checked: true, tlvs: []tlv{{tlvCRC32C, make([]byte, 4)}}}.bytes()
	return []badHeader{
		{"PP-06/wrong", proxyBlock{from: toldFour, to: toldServer, checked: true, damage: 1}.bytes()},
		{"PP-06/wrong-of-local", proxyBlock{command: 0x20, checked: true, damage: 1}.bytes()},
		{"PP-06/three-bytes", sum(3)}, {"PP-06/five-bytes", sum(5)}, {"PP-06/zero", sum(4)}, {"PP-06/doubled", twice},
	}
}

func proxyHeaderCases() (all []testCase) {
	for _, bad := range slices.Concat(badLines(), badBlocks(), badSums()) {
		all = append(all, testCase{id: bad.id, run: refusesHeader(bad.text), faults: []fault{planted("mended")}})
	}
	ignored := proxied("ignored", ignoreAll)
	all = append(all,
		testCase{id: "PP-05/large", run: largeHeader, faults: []fault{proxied("small", func(c *tako.ProxyConfig) { c.MaxBytes = 1000 }), ignored}},
		testCase{id: "PP-05/largest", run: largestHeader, faults: []fault{proxied("default", func(c *tako.ProxyConfig) { c.MaxBytes = 0 }), ignored}},
		testCase{id: "PP-06/right", run: rightSum, faults: []fault{planted("damaged"), ignored}},
		testCase{id: "PP-07/exposed", run: exposesFields, faults: []fault{ignored, bodies("text", "aws=ff00", "aws=00ff"), bodies("lost", "all=", "all=x")}},
		testCase{id: "PP-08/local", run: keepsSocket, faults: []fault{planted("told"), replies("not-local", " true ", " false ")}},
		testCase{id: "PP-09/scrubbed", run: scrubs, faults: []fault{ignored, bodies("kept", "field X-Own", "field X-Real-Ip: 203.0.113.9\nfield X-Own"), bodies("lost", "field Forwarded", "field Forward")}},
		testCase{id: "PP-09/ipv6", run: scrubsSix, faults: []fault{ignored, bodies("bare", "for=\"[", "for=\"")}},
		testCase{id: "PP-10/second-header", run: secondHeader, faults: []fault{planted("one")}},
		testCase{id: "PP-10/limit", run: limitsClients, faults: []fault{ignored, limited("no-cap", func(l *tako.Limits) { l.ConnsPerAddr = tako.NoLimit })}},
	)
	for i := range all {
		all[i].on = []Carrier{TCP}
	}
	return all
}

// refusesHeader demands that a connection is closed without a word, and before the
// header could be waited for.
func refusesHeader(header []byte) func(x *T) {
	return func(x *T) {
		s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired, Timeout: time.Minute}, tako.Limits{})
		if x.planted("mended") {
			header = toldBlock.bytes()
		}
		c := s.via(header)
		c.send(askInfo)
		c.closed()
	}
}

func largeHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired}, tako.Limits{})
	block := proxyBlock{from: toldFour, to: toldServer, checked: true, tlvs: []tlv{{0xE5, make([]byte, 2<<10)}}}
	s.via(block.bytes()).from("192.0.2.1")
}

func largestHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired, MaxBytes: 65551}, tako.Limits{})
	block := proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{{0xE5, make([]byte, 65535-12-3)}}}
	s.via(block.bytes()).from("192.0.2.1")
}

func rightSum(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired}, tako.Limits{})
	block := proxyBlock{from: toldFour, to: toldServer, checked: true, tlvs: []tlv{{tlvALPN, []byte("h2")}}}
	if x.planted("damaged") {
		block.damage = 3
	}
	s.via(block.bytes()).from("192.0.2.1")
}

// exposesFields compares what a handler sees with what was sent.
func exposesFields(x *T) {
	id, aws := []byte{0, 0xff, '\n', 0x80}, []byte{0xff, 0, 0xfe}
	tls := append([]byte{7, 0, 0, 0, 0}, tlvBytes(0x21, []byte("TLSv1.3"))...)
	tls = append(tls, tlvBytes(0x22, []byte("client.example"))...)
	block := proxyBlock{from: toldFour, to: toldServer, tlvs: []tlv{
		{tlvNoop, make([]byte, 5)}, {tlvALPN, []byte("h2")}, {tlvAuthority, []byte("b.example")}, {tlvUniqueID, id},
		{tlvSSL, tls}, {tlvAWS, append([]byte{1}, aws...)}, {0xE7, []byte("one")}, {0xE7, []byte("two")}}}
	s := x.serveWith(setup{proxy: tako.ProxyConfig{Mode: tako.ProxyOptional, Trusted: []string{balancer}}}, func(app *tako.Router) {
		app.Get("/info", func(c *tako.Context) error {
			p := c.ConnInfo().Proxy
			if p == nil {
				return c.Text(200, "nothing")
			}
			var all strings.Builder
			for _, t := range p.TLVs {
				if t.Type == 0xE7 {
					fmt.Fprintf(&all, "%s ", t.Value)
				}
			}
			text := fmt.Sprintf("ip=%v\nalpn=%s\nauthority=%s\nid=%x\naws=%x\nall=%s\n", c.ClientIP(), p.ALPN, p.Authority, p.UniqueID, p.AWSEndpoint, all.String())
			if t := p.TLS; t != nil {
				text += fmt.Sprintf("tls=%s %s %t %t %t %t\n", t.Version, t.CommonName, t.Used, t.ConnCert, t.SessCert, t.Verified)
			}
			return c.Text(200, text)
		})
	})
	r := s.via(block.bytes()).from("192.0.2.1")
	for name, want := range map[string]string{"alpn": "h2", "authority": "b.example", "id": fmt.Sprintf("%x", id), "aws": fmt.Sprintf("%x", aws),
		"all": "one two ", "tls": "TLSv1.3 client.example true true true true"} {
		if got := r.line(name); got != want {
			x.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// keepsSocket has headers that name no client.
func keepsSocket(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired}, tako.Limits{})
	for _, header := range [][]byte{
		[]byte("PROXY UNKNOWN\r\n"), []byte("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), []byte("PROXY UNKNOWN what ever\r\n"),
		proxyBlock{command: 0x20}.bytes(), proxyBlock{command: 0x20, from: toldFour, to: toldServer, checked: true}.bytes(),
		proxyBlock{command: 0x21, family: 0x00}.bytes(), proxyBlock{command: 0x21, family: 0x00, tlvs: []tlv{{tlvALPN, []byte("h2")}}}.bytes(),
	} {
		if x.planted("told") {
			header = toldBlock.bytes()
		}
		conn := s.bare()
		_, _ = conn.Write(header)
		r := x.clientOver(conn).spoilt().from(balancer)
		version := "1"
		if header[0] == '\r' {
			version = "2"
		}
		want := fmt.Sprintf("%s true %v %v", version, conn.LocalAddr(), s.addr())
		if r.line("remote") != conn.LocalAddr().String() || r.line("local") != s.addr().String() || r.line("proxy") != want {
			x.Errorf("%q: got %q, want the ends of the socket, %q", header, r.body, want)
		}
	}
}

// forged are fields by which clients lie about where they come from.
var forged = []string{"Forwarded: for=203.0.113.9", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: b.example", "X-Forwarded-Proto: gopher",
	"X-Forwarded-Port: 1", "X-Real-Ip: 203.0.113.9", "True-Client-Ip: 203.0.113.9", "Client-Ip: 203.0.113.9", "Cf-Connecting-Ip: 203.0.113.9",
	"X-Forwarded: 203.0.113.9", "Forwarded: for=203.0.113.10"}

// seenFields asks with forged fields and returns those that a handler sees.
func seenFields(x *T, header []byte) (seen, ip string) {
	x.Helper()
	s := x.serveWith(setup{proxy: tako.ProxyConfig{Mode: tako.ProxyOptional, Trusted: []string{balancer}}}, func(app *tako.Router) {
		app.Get("/fields", func(c *tako.Context) error {
			var all []string
			for name, value := range c.RequestHeaders() {
				if name == "X-Own" || strings.Contains(value, "203.0.113") || strings.Contains(name, "Forwarded") {
					all = append(all, name+": "+value)
				}
			}
			slices.Sort(all)
			return c.Text(200, "ip="+c.ClientIP().String()+"\nhost="+c.Host()+"\nfield "+strings.Join(all, "\nfield ")+"\n")
		})
	})
	c := s.via(header)
	c.send(request("GET", "/fields", "", append(forged, "X-Own: mine", "Connection: close")...))
	r := c.expect(200)
	if got := r.line("host"); got != "a.example" {
		x.Errorf("the host is %q", got)
	}
	for line := range strings.Lines(r.body) {
		if rest, ok := strings.CutPrefix(line, "field "); ok {
			seen += rest
		}
	}
	return seen, r.line("ip")
}

func scrubs(x *T) {
	seen, ip := seenFields(x, proxyLine(toldFour, toldServer))
	proto := x.scheme()
	want := "Forwarded: for=\"192.0.2.1:4711\";proto=" + proto + "\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: " + proto + "\nX-Own: mine\n"
	if seen != want || ip != "192.0.2.1" {
		x.Errorf("a handler sees, from %s:\n%swant:\n%s", ip, seen, want)
	}
}

func scrubsSix(x *T) {
	seen, ip := seenFields(x, proxyBlock{from: portedOther, to: toldSixth}.bytes())
	proto := x.scheme()
	want := "Forwarded: for=\"[2001:db8:1::2]:4711\";proto=" + proto + "\nX-Forwarded-For: 2001:db8:1::2\nX-Forwarded-Proto: " + proto + "\nX-Own: mine\n"
	if seen != want || ip != "2001:db8:1::2" {
		x.Errorf("a handler sees, from %s:\n%swant:\n%s", ip, seen, want)
	}
}

// secondHeader is plain data: no request, whatever the protocol.
func secondHeader(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired}, tako.Limits{})
	for _, header := range [][]byte{proxyLine(toldFour, toldServer), toldBlock.bytes()} {
		both := slices.Concat(header, header)
		if x.planted("one") {
			both = header
		}
		s.via(both).unserved()
		if x.target.Protocol == HTTP1 {
			s.via(append(both, askInfo...)).expect(400) // at once: a reset for what comes later may overtake the answer
		}
	}
}

// limitsClients has two clients behind one balancer.
func limitsClients(x *T) {
	s := x.behind(tako.ProxyConfig{Mode: tako.ProxyRequired}, tako.Limits{Conns: 20, ConnsPerAddr: 2})
	s.greet = proxyBlock{command: 0x20}.bytes() // the balancer's own
	header := toldBlock.bytes()
	for range 2 {
		s.via(header).get(alivePath)
	}
	over := s.via(header)
	over.send(askInfo)
	over.closed()
	if !eventually(x.patience, func() bool { return s.logs.count("refused", "192.0.2.1") > 0 }) {
		x.Errorf("the refusal is not in the log: %s", s.logs)
	}
	for range 2 {
		s.via(proxyBlock{from: portedOther, to: toldSixth}.bytes()).get(alivePath)
	}
}
