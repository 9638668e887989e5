package runtimetest

// The cases on who a request is for: RFC 9112, sections 3.2 and 3.3.

func hostCases() []testCase {
	bad, fine := []int{400}, []int{200}
	host := func(id, value string) exchange {
		return exchange{id: "H1-09/" + id, send: "GET /x HTTP/1.1\r\nHost: " + value + "\r\n\r\n", want: bad}
	}
	good := func(id, value, want string) exchange {
		return exchange{id: "H1-09/" + id, send: "GET /x HTTP/1.1\r\nHost: " + value + "\r\n\r\n", want: fine, keeps: true, echo: map[string]string{"host": want}}
	}
	return table([]exchange{
		{id: "H1-09/host-missing", send: "GET /x HTTP/1.1\r\nAccept: */*\r\n\r\n", want: bad},
		{id: "H1-09/host-doubled", send: "GET /x HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n", want: bad},
		{id: "H1-09/hosts-differ", send: "GET /x HTTP/1.1\r\nHost: a.example\r\nhost: b.example\r\n\r\n", want: bad},
		host("empty", ""),
		host("space", "a b"),
		host("slash", "a/b"),
		host("user", "user@a.example"),
		host("port-no-number", "a.example:http"),
		host("port-too-large", "a.example:65536"),
		host("port-signed", "a.example:+80"),
		host("two-ports", "a.example:80:80"),
		host("port-alone", ":80"),
		host("comma-space", "a.example, b.example"),
		host("bracket-open", "[::1"),
		host("bracket-no-address", "[a.example]"),
		host("bracket-tail", "[::1]x"),
		host("query", "a.example?x"),
		host("not-ascii", "\xc3\xa4.example"),
		good("port", "a.example:8080", "a.example:8080"),
		good("ipv6", "[::1]:80", "[::1]:80"),
		good("ipv4", "192.0.2.1", "192.0.2.1"),
		{id: "H1-09/absolute-wins", send: "GET http://b.example:81/x?q=1 HTTP/1.1\r\nHost: a.example\r\n\r\n", want: fine, keeps: true,
			echo: map[string]string{"host": "b.example:81", "path": "/x", "query": "q=1"}},
		{id: "H1-09/absolute-without-path", send: "GET http://b.example HTTP/1.1\r\nHost: b.example\r\n\r\n", want: fine, keeps: true,
			echo: map[string]string{"host": "b.example", "path": "/"}},
		{id: "H1-09/absolute-without-host-field", send: "GET http://b.example/ HTTP/1.1\r\n\r\n", want: bad},
		{id: "H1-09/absolute-with-bad-host-field", send: "GET http://b.example/ HTTP/1.1\r\nHost: a b\r\n\r\n", want: bad},
		{id: "H1-09/absolute-with-two-hosts", send: "GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\nHost: b.example\r\n\r\n", want: bad},
		{id: "H1-09/absolute-without-authority", send: "GET http:///x HTTP/1.1\r\nHost: a.example\r\n\r\n", want: bad},
		{id: "H1-09/absolute-with-user", send: "GET http://user@b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", want: bad},
		{id: "H1-09/absolute-with-bad-port", send: "GET http://b.example:x/ HTTP/1.1\r\nHost: b.example\r\n\r\n", want: bad},
		{id: "H1-09/1.0-without-host", send: "GET /x HTTP/1.0\r\n\r\n", want: fine, echo: map[string]string{"path": "/x", "protocol": "HTTP/1.0"}},
	})
}
