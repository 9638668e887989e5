package runtimetest

import (
	"strings"

	"github.com/tako-go/tako"
)

// The cases on the letter of request lines and field lines: RFC 9112, sections
// 2.2, 3 and 5.

func syntaxCases() []testCase {
	bad, fine := []int{400}, []int{200}
	head := func(id, lines string) exchange {
		return exchange{id: id, send: "GET /x HTTP/1.1\r\nHost: a.example\r\n" + lines + "\r\n\r\n", want: bad}
	}
	target := func(id, t string) exchange {
		return exchange{id: id, send: "GET " + t + " HTTP/1.1\r\nHost: a.example\r\n\r\n", want: bad}
	}
	folded := testCase{id: "H1-07/folded", run: foldedLine, faults: []fault{
		mergeReplies("raw", []fault{replies("", "one two", "one\\r\\n two"), turned("400")})}}
	return append(table([]exchange{
		head("H1-07/space-before-colon", "X-Name : value"),
		head("H1-07/tab-before-colon", "X-Name\t: value"),
		head("H1-07/length-with-space", "Content-Length : 5"),
		head("H1-07/empty-name", ": value"),
		head("H1-07/no-colon", "X-Name"),
		head("H1-07/name-with-space", "X Name: value"),
		head("H1-07/name-with-bracket", "X(Name): value"),
		head("H1-07/name-not-ascii", "X-N\xe4me: value"),
		{id: "H1-07/first-line-indented", send: "GET /x HTTP/1.1\r\n Host: a.example\r\nHost: a.example\r\n\r\n", want: bad},
		head("H1-08/carriage-return-in-value", "X-Name: a\rb"),
		head("H1-08/carriage-return-in-name", "X-N\rame: a"),
		head("H1-08/nul-in-value", "X-Name: a\x00b"),
		head("H1-08/nul-in-name", "X-N\x00ame: a"),
		head("H1-08/bell-in-value", "X-Name: a\x07b"),
		head("H1-08/delete-in-value", "X-Name: a\x7fb"),
		head("H1-08/escape-in-name", "X-N\x1bame: a"),
		target("H1-08/nul-in-target", "/a\x00b"),
		target("H1-08/carriage-return-in-target", "/a\rb"),
		target("H1-08/delete-in-target", "/a\x7fb"),
		target("H1-08/bell-in-query", "/a?b=\x07"),
		{id: "H1-08/high-bytes-in-value", send: request("GET", "/x", "", "X-Name: \xc3\xa4\xff"), want: fine, keeps: true,
			echo: map[string]string{"field X-Name": `"ä\xff"`}},
		{id: "H1-08/tab-in-value", send: request("GET", "/x", "", "X-Name: a\tb"), want: fine, keeps: true,
			echo: map[string]string{"field X-Name": `"a\tb"`}},
		{id: "H1-08/empty-value", send: request("GET", "/x", "", "X-Name:"), want: fine, keeps: true, echo: map[string]string{"field X-Name": `""`}},
	}), folded)
}

// foldedLine is refused, or the fold is one space by the rule of RFC 9112,
// section 5.2: a handler never sees the line end.
func foldedLine(x *T) {
	var seen echoes
	s := x.serve(tako.Limits{}, seen.routes)
	c := s.dial()
	c.send("GET /x HTTP/1.1\r\nHost: a.example\r\nX-Name: one\r\n \t two\r\n\r\n")
	r := c.expect(200, 400)
	if r.status == 400 {
		c.closed()
		return
	}
	if got := r.line("field X-Name"); got != `"one two"` {
		x.Errorf("the folded value arrives as %s", got)
	}
}

func lineCases() []testCase {
	bad, fine := []int{400}, []int{200}
	line := func(id, line string, want []int) exchange {
		return exchange{id: "H1-10/" + id, send: line + "\r\nHost: a.example\r\n\r\n", want: want}
	}
	good := func(id, before string) exchange {
		return exchange{id: "H1-10/" + id, send: before + "\r\nHost: a.example\r\n\r\n", want: fine, keeps: true, echo: map[string]string{"path": "/x"}}
	}
	leading := good("leading-empty-line", "\r\nGET /x HTTP/1.1")
	return table([]exchange{
		line("two-spaces", "GET  /x HTTP/1.1", bad),
		line("two-spaces-before-version", "GET /x  HTTP/1.1", bad),
		line("tab", "GET\t/x\tHTTP/1.1", bad),
		line("leading-space", " GET /x HTTP/1.1", bad),
		line("trailing-space", "GET /x HTTP/1.1 ", bad),
		line("no-version", "GET /x", bad),
		line("no-target", "GET HTTP/1.1", bad),
		line("empty-target", "GET  HTTP/1.1", bad),
		line("method-no-token", "G(T /x HTTP/1.1", bad),
		line("method-not-ascii", "G\xc4T /x HTTP/1.1", bad),
		good("minor-2", "GET /x HTTP/1.2"),
		line("major-3", "GET /x HTTP/3.0", []int{505, 400}),
		line("major-2", "GET /x HTTP/2.0", []int{505, 400}),
		line("major-0", "GET /x HTTP/0.9", []int{505, 400}),
		line("lower-case", "GET /x http/1.1", bad),
		line("long-version", "GET /x HTTP/1.10", bad),
		line("short-version", "GET /x HTTP/1", bad),
		line("other-protocol", "GET /x ICAP/1.1", bad),
		line("fragment", "GET /x#part HTTP/1.1", bad),
		line("fragment-in-query", "GET /x?a=b#part HTTP/1.1", bad),
		line("not-ascii", "GET /x\xc3\xa4 HTTP/1.1", bad),
		line("not-ascii-in-query", "GET /x?q=\xc3\xa4 HTTP/1.1", bad),
		line("backslash", "GET \\x HTTP/1.1", bad),
		line("no-slash", "GET x HTTP/1.1", bad),
		line("broken-escape", "GET /%zz HTTP/1.1", bad),
		leading,
		line("tls-hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", bad),
	})
}

func sizeCases() []testCase {
	long := strings.Repeat("a", 100<<10)
	lines := strings.Repeat("X-Many: 1\r\n", 120)
	head := "GET /x HTTP/1.1\r\nHost: a.example\r\n"
	within := []int{200}
	return table([]exchange{
		{id: "H1-11/target", send: "GET /" + long[:9000] + " HTTP/1.1\r\nHost: a.example\r\n\r\n", want: []int{414}, faults: []fault{unlimited}},
		{id: "H1-11/target-over-head", send: "GET /" + long + long + " HTTP/1.1\r\nHost: a.example\r\n\r\n", want: []int{414, 431}, faults: []fault{unlimited}},
		{id: "H1-11/one-line", send: head + "X-Long: " + long + "\r\n\r\n", want: []int{431}, faults: []fault{unlimited}},
		{id: "H1-11/long-name", send: head + long + ": 1\r\n\r\n", want: []int{431, 400}, faults: []fault{unlimited}},
		{id: "H1-11/bytes", send: head + strings.Repeat("X-Some: "+long[:2000]+"\r\n", 50) + "\r\n", want: []int{431}, faults: []fault{unlimited}},
		{id: "H1-11/fields", send: head + lines + "\r\n", want: []int{431}, faults: []fault{unlimited}},
		{id: "H1-11/never-ends", send: head + "X-Long: " + long + long + long, want: []int{431}},
		{id: "H1-11/at-target-limit", send: "GET /" + long[:8100] + " HTTP/1.1\r\nHost: a.example\r\n\r\n", want: within, keeps: true},
		{id: "H1-11/at-field-limit", send: head + lines[:11*90] + "\r\n", want: within, keeps: true},
		{id: "H1-11/at-byte-limit", send: head + "X-Long: " + long[:55<<10] + "\r\n\r\n", want: within, keeps: true},
	})
}
