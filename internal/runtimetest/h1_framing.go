package runtimetest

import "strings"

// The cases on where a request ends. What is in doubt is refused and the
// connection closed: RFC 9112, sections 6 and 7.

func framingCases() []testCase {
	bad, either := []int{400}, []int{400, 501}
	length := func(id, value string) exchange {
		return exchange{id: "H1-02/" + id, send: post("hello"+smuggled, "Content-Length:"+value), want: bad}
	}
	coding := func(id, value string, want []int) exchange {
		return exchange{id: "H1-03/" + id, send: post("5\r\nhello\r\n0\r\n\r\n"+smuggled, "Transfer-Encoding:"+value), want: want}
	}
	return table([]exchange{
		{id: "H1-01/length-first", send: post("0\r\n\r\n"+smuggled, "Content-Length: 5", "Transfer-Encoding: chunked"), want: bad},
		{id: "H1-01/coding-first", send: post("0\r\n\r\n"+smuggled, "Transfer-Encoding: chunked", "Content-Length: 5"), want: bad},
		length("plus", " +5"),
		length("minus", " -1"),
		length("space-inside", " 5 5"),
		length("hex", " 0x5"),
		length("underscore", " 5_0"),
		length("empty", ""),
		length("too-large", " 9223372036854775808"),
		length("far-too-large", " 18446744073709551621"),
		length("list", " 5, 6"),
		length("no-number", " five"),
		{id: "H1-02/two-that-differ", send: post("hello"+smuggled, "Content-Length: 5", "Content-Length: 6"), want: bad},
		{id: "H1-02/list-that-agrees", send: post("hello"+smuggled, "Content-Length: 5, 5"), want: bad},
		coding("gzip", " gzip, chunked", []int{501}),
		coding("unknown", " xchunked", []int{501, 400}),
		coding("chunked-not-last", " chunked, gzip", either),
		coding("chunked-twice", " chunked, chunked", either),
		coding("identity", " identity", either),
		coding("vertical-tab", " \x0bchunked", either),
		coding("empty", "", either),
		coding("comma", " chunked,", either),
		coding("quoted", ` "chunked"`, either),
		{id: "H1-03/two-lines", send: post("5\r\nhello\r\n0\r\n\r\n"+smuggled, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), want: either},
		{id: "H1-03/two-lines-that-differ", send: post("5\r\nhello\r\n0\r\n\r\n"+smuggled, "Transfer-Encoding: chunked", "Transfer-Encoding: identity"), want: either},
		{id: "H1-03/white-space-around", send: post("5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding:\t chunked \t"), want: []int{200}, keeps: true,
			echo: map[string]string{"body": "hello", "length": "-1"}},
		{id: "H1-03/upper-case", send: post("5\r\nhello\r\n0\r\n\r\n", "TRANSFER-ENCODING: CHUNKED"), want: []int{200}, keeps: true,
			echo: map[string]string{"body": "hello"}},
		{id: "H1-04/coding-in-1.0", send: "POST /form HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
			want: []int{400, 200}, reach: true},
	})
}

func chunkCases() []testCase {
	const te = "Transfer-Encoding: chunked"
	chunk := func(id, text string) exchange {
		return exchange{id: "H1-05/" + id, send: post(text+smuggled, te), want: []int{400}, reach: true}
	}
	extended := "1;" + strings.Repeat("e", 3000) + "\r\na\r\n"
	return table([]exchange{
		{id: "H1-05/plain", send: post("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", te), want: []int{200}, keeps: true, echo: map[string]string{"body": "hello!"}},
		{id: "H1-05/upper-case-hex", send: post("A\r\n0123456789\r\n00a\r\n0123456789\r\n0\r\n\r\n", te), want: []int{200}, keeps: true,
			echo: map[string]string{"body": "01234567890123456789"}},
		chunk("empty", "\r\nhello\r\n0\r\n\r\n"),
		chunk("minus", "-1\r\nhello\r\n0\r\n\r\n"),
		chunk("hex-prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
		chunk("trailing-space", "5 \r\nhello\r\n0\r\n\r\n"),
		chunk("leading-space", " 5\r\nhello\r\n0\r\n\r\n"),
		chunk("17-digits", "00000000000000005\r\nhello\r\n0\r\n\r\n"),
		chunk("overflow", "ffffffffffffffff1\r\nhello\r\n0\r\n\r\n"),
		chunk("no-number", "xyz\r\nhello\r\n0\r\n\r\n"),
		chunk("bare-line-feed", "5\nhello\r\n0\r\n\r\n"),
		chunk("bare-line-feed-in-extension", "5;a\nhello\r\n0\r\n\r\n"),
		chunk("no-line-end-behind-data", "5\r\nhello0\r\n\r\n"),
		chunk("data-too-long", "5\r\nhello!\r\n0\r\n\r\n"),
		chunk("line-feed-behind-data", "5\r\nhello\n0\r\n\r\n"),
		{id: "H1-06/extension-ignored", send: post("5;name=value;x=\"y\"\r\nhello\r\n0;last\r\n\r\n", te), want: []int{200}, keeps: true,
			echo: map[string]string{"body": "hello"}},
		{id: "H1-06/one-long", send: post("5;"+strings.Repeat("e", 64<<10)+"\r\nhello\r\n0\r\n\r\n", te), want: []int{400}, reach: true},
		{id: "H1-06/many", send: post(strings.Repeat(extended, 100)+"0\r\n\r\n", te), want: []int{400}, reach: true},
	})
}
