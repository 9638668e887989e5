package http1

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// wide are limits that no row comes near.
var wide = Limits{HeadBytes: 64 << 10, TargetBytes: 8 << 10, Fields: 100}

// A reading is what a Request says, as text.
type reading struct {
	Method, Target, Authority string
	Fields                    []string
	Length                    int64
	Minor                     uint8
	Close, Continue           bool
	Declared                  bool
	Size                      int
}

// read spells r out and demands that every span lies in the head.
func read(tb testing.TB, r *Request, b []byte) reading {
	tb.Helper()
	head := b[:r.Size:r.Size]
	text := func(s Span) string {
		if s.From > s.To || int(s.To) > r.Size {
			tb.Fatalf("%q: span %v is outside the head of %d bytes", b, s, r.Size)
		}
		return string(s.Of(head))
	}
	got := reading{Method: text(r.Method), Target: text(r.Target), Authority: text(r.Authority), Length: r.Length, Minor: r.Minor,
		Close: r.Close, Continue: r.Continue, Declared: r.Declared, Size: r.Size}
	for _, f := range r.Fields {
		got.Fields = append(got.Fields, text(f.Name)+": "+text(f.Value))
	}
	return got
}

// A headRow is a head that is whole. Without an error it reads as plain, but for
// what change makes of it.
type headRow struct {
	name   string
	text   string
	want   *Error
	change func(*reading)
}

const plainLine = "GET /x HTTP/1.1\r\n"
const plainHost = "Host: a.example\r\n"

// plain is what a GET of /x with these field lines behind Host reads as.
func (row headRow) plain() reading {
	want := reading{Method: "GET", Target: "/x", Authority: "a.example", Minor: 1, Size: len(row.text)}
	lines := strings.Split(strings.TrimPrefix(row.text, "\r\n"), "\r\n")
	for _, line := range lines[1 : len(lines)-2] {
		name, value, _ := strings.Cut(line, ":")
		want.Fields = append(want.Fields, name+": "+strings.Trim(value, " \t"))
	}
	if row.change != nil {
		row.change(&want)
	}
	return want
}

// fields is a row of a GET with more field lines.
func fields(name, lines string, want *Error, change func(*reading)) headRow {
	return headRow{name, plainLine + plainHost + lines + "\r\n\r\n", want, change}
}

// line is a row of a request line with a fine Host.
func line(name, text string, want *Error, change func(*reading)) headRow {
	return headRow{name, text + "\r\n" + plainHost + "\r\n", want, change}
}

func declared(n int64) func(*reading) {
	return func(r *reading) { r.Length, r.Declared = n, true }
}

func chunked(r *reading) { r.Length = -1 }

func aims(target, authority string) func(*reading) {
	return func(r *reading) { r.Target, r.Authority = target, authority }
}

func closes(r *reading) { r.Close = true }

func old(r *reading) { r.Minor, r.Close = 0, true }

func headRows() []headRow {
	return slices.Concat(lineRows(), targetRows(), fieldRows(), lengthRows(), codingRows(), hostRows(), optionRows())
}

func lineRows() []headRow {
	method := func(m string) func(*reading) { return func(r *reading) { r.Method = m } }
	rows := []headRow{
		line("plain", "GET /x HTTP/1.1", nil, nil),
		line("empty line before", "\r\nGET /x HTTP/1.1", nil, nil),
		line("two empty lines before", "\r\n\r\nGET /x HTTP/1.1", ErrRequestLine, nil),
		line("line feed before", "\nGET /x HTTP/1.1", ErrRequestLine, nil),
		line("carriage return before", "\rGET /x HTTP/1.1", ErrRequestLine, nil),
		line("two carriage returns before", "\r\rGET /x HTTP/1.1", ErrRequestLine, nil),
		line("two spaces", "GET  /x HTTP/1.1", ErrRequestLine, nil),
		line("two spaces before version", "GET /x  HTTP/1.1", ErrRequestLine, nil),
		line("tabs", "GET\t/x\tHTTP/1.1", ErrRequestLine, nil),
		line("tab before version", "GET /x\tHTTP/1.1", ErrTarget, nil),
		line("leading space", " GET /x HTTP/1.1", ErrRequestLine, nil),
		line("trailing space", "GET /x HTTP/1.1 ", ErrRequestLine, nil),
		line("no version", "GET /x", ErrRequestLine, nil),
		line("empty version", "GET /x ", ErrRequestLine, nil),
		line("no target", "GET HTTP/1.1", ErrRequestLine, nil),
		line("no target but spaces", "GET  HTTP/1.1", ErrRequestLine, nil),
		line("no method", "/x HTTP/1.1", ErrRequestLine, nil),
		line("more words", "GET /x y HTTP/1.1", ErrRequestLine, nil),
		line("line feed ends", "GET /x HTTP/1.1\nX: y", ErrRequestLine, nil),
		line("carriage return ends", "GET /x HTTP/1.1\rX: y", ErrRequestLine, nil),
		line("1.0", "GET /x HTTP/1.0", nil, old),
		line("1.2 is handled as 1.1", "GET /x HTTP/1.2", nil, nil),
		line("1.9 is handled as 1.1", "GET /x HTTP/1.9", nil, nil),
		line("0.9", "GET /x HTTP/0.9", ErrVersion, nil),
		line("2.0", "GET /x HTTP/2.0", ErrVersion, nil),
		line("3.0", "GET /x HTTP/3.0", ErrVersion, nil),
		line("HTTP/2 preface", "PRI * HTTP/2.0", ErrVersion, nil),
		line("lower-case version", "GET /x http/1.1", ErrRequestLine, nil),
		line("mixed-case version", "GET /x HttP/1.1", ErrRequestLine, nil),
		line("minor of two digits", "GET /x HTTP/1.10", ErrRequestLine, nil),
		line("major of two digits", "GET /x HTTP/11.1", ErrRequestLine, nil),
		line("leading zero", "GET /x HTTP/01.1", ErrRequestLine, nil),
		line("no minor", "GET /x HTTP/1", ErrRequestLine, nil),
		line("no minor but dot", "GET /x HTTP/1.", ErrRequestLine, nil),
		line("comma in version", "GET /x HTTP/1,1", ErrRequestLine, nil),
		line("colon as minor", "GET /x HTTP/1.:", ErrRequestLine, nil),
		line("slash as minor", "GET /x HTTP/1./", ErrRequestLine, nil),
		line("colon as major", "GET /x HTTP/:.1", ErrRequestLine, nil),
		line("sign in version", "GET /x HTTP/+.1", ErrRequestLine, nil),
		line("no slash in version", "GET /x HTTP1.1", ErrRequestLine, nil),
		line("other protocol", "GET /x ICAP/1.1", ErrRequestLine, nil),
		line("TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ErrRequestLine, nil),
		line("method with a colon", "GE:T /x HTTP/1.1", ErrRequestLine, nil),
		line("method with NUL", "GE\x00T /x HTTP/1.1", ErrRequestLine, nil),
		line("method not ASCII", "G\xc3\x84T /x HTTP/1.1", ErrRequestLine, nil),
		line("method with delete", "GET\x7f /x HTTP/1.1", ErrRequestLine, nil),
	}
	for _, m := range []string{"G", "get", "POST", "PROPFIND", "M-SEARCH", "!#$%&'*+-.^_`|~09azAZ", strings.Repeat("M", 500)} {
		rows = append(rows, line("method "+m, m+" /x HTTP/1.1", nil, method(m)))
	}
	for _, c := range "\"(),/:;<=>?@[\\]{}" {
		rows = append(rows, line("method with "+string(c), "A"+string(c)+" /x HTTP/1.1", ErrRequestLine, nil))
	}
	return rows
}

func targetRows() []headRow {
	target := func(text string, want *Error) headRow {
		return line("target "+text, "GET "+text+" HTTP/1.1", want, aims(text, "a.example"))
	}
	absolute := func(text, authority string) headRow {
		return line("target "+text, "GET "+text+" HTTP/1.1", nil, aims(text, authority))
	}
	connect := func(text string, want *Error) headRow {
		return line("CONNECT "+text, "CONNECT "+text+" HTTP/1.1", want, func(r *reading) { r.Method, r.Target, r.Authority = "CONNECT", text, text })
	}
	rows := []headRow{
		target("/", nil), target("//", nil), target("//b.example/x", nil), target("/x?y", nil), target("/?", nil), target("/x?y?z", nil),
		target("/!\"$%25&'()*+,-./09:;<=>?@AZ[]^_`az{|}~", nil),
		target("/x?\\", nil), target("/\\", ErrTarget), target("/x\\y?z", ErrTarget), target("\\x", ErrRequestLine),
		target("/x#part", ErrTarget), target("/x?y#part", ErrTarget), target("#", ErrRequestLine), target("/#", ErrTarget),
		target("/\xc3\xa4", ErrTarget), target("/?q=\xff", ErrTarget), target("/\x80", ErrTarget),
		target("/a\x00b", ErrTarget), target("/a\x01b", ErrTarget), target("/a\x1fb", ErrTarget), target("/a\x7fb", ErrTarget), target("/a\tb", ErrTarget),
		target("/a\nb", ErrTarget), target("/a?b=\x07", ErrTarget),
		line("carriage return in target", "GET /a\rb HTTP/1.1", ErrRequestLine, nil),
		target("x", ErrRequestLine), target("?x", ErrRequestLine), target("a.example", ErrRequestLine), target("a.example:80", ErrRequestLine),
		target(":", ErrRequestLine), target("://", ErrRequestLine), target("://a", ErrRequestLine), target("**", ErrRequestLine), target("*/", ErrRequestLine), target("*?", ErrRequestLine),
		target("mailto:a", ErrRequestLine), target("ftp://a/", ErrRequestLine), target("httpx://a/", ErrRequestLine), target("ws://a/", ErrRequestLine),
		target("http:/a", ErrRequestLine), target("http:a", ErrRequestLine), target("http//a", ErrRequestLine),
		absolute("http://b.example", "b.example"), absolute("http://b.example/", "b.example"), absolute("https://b.example:81/x?q=1", "b.example:81"),
		absolute("HTTP://B.example/", "B.example"), absolute("hTTpS://b?x/y", "b"), absolute("http://b?", "b"), absolute("http://[::1]:8080/x", "[::1]:8080"),
		absolute("http://b//x", "b"), absolute("http://b/http://c/", "b"), absolute("http://b?\\", "b"),
		target("http://", ErrAbsolute), target("http:///x", ErrAbsolute), target("http://?x", ErrAbsolute), target("http://user@b/", ErrAbsolute),
		target("http://user:pass@b/", ErrAbsolute), target("http://b:x/", ErrAbsolute), target("http://b:65536/", ErrAbsolute), target("http://b:-1/", ErrAbsolute),
		target("http://[::1/", ErrAbsolute), target("http://[b]/", ErrAbsolute), target("http://::1/", ErrAbsolute), target("http://b%00/", ErrAbsolute),
		target("http://b\\@c/", ErrAbsolute), target("http://b/\\x", ErrTarget), target("http://b\\x", ErrAbsolute), target("http://:80/", ErrAbsolute),
		target("http://a..b\"/", ErrAbsolute),
		{"absolute without Host", "GET http://b.example/ HTTP/1.1\r\n\r\n", ErrHost, nil},
		{"absolute with a bad Host", "GET http://b.example/ HTTP/1.1\r\nHost: a b\r\n\r\n", ErrHost, nil},
		{"absolute with an empty Host", "GET http://b.example/ HTTP/1.1\r\nHost:\r\n\r\n", ErrHost, nil},
		{"absolute with two Hosts", "GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\nHost: b.example\r\n\r\n", ErrHost, nil},
		{"absolute 1.0 without Host", "GET http://b.example/ HTTP/1.0\r\n\r\n", nil, func(r *reading) { old(r); aims("http://b.example/", "b.example")(r) }},
		line("OPTIONS *", "OPTIONS * HTTP/1.1", nil, func(r *reading) { r.Method, r.Target = "OPTIONS", "*" }),
		target("*", nil), // the server answers 400 and goes on
		connect("b.example:443", nil), connect("[::1]:443", nil), connect("192.0.2.1:1", nil),
		// RFC 9110, section 9.3.6: an empty or invalid port has to be refused.
		connect("b.example", ErrTarget), connect("b.example:", ErrTarget), connect("[::1]", ErrTarget), connect("*", ErrTarget),
		connect("b.example:65536", ErrTarget), connect("b.example:x", ErrTarget), connect(":443", ErrTarget), connect("b:443/x", ErrTarget),
		connect("user@b:443", ErrTarget), connect("http://b:443", ErrTarget), connect("b:443?x", ErrTarget), connect("b:44\\3", ErrTarget),
		line("connect in lower case", "connect b.example:443 HTTP/1.1", ErrRequestLine, nil),
	}
	return rows
}

func fieldRows() []headRow {
	value := func(text string) headRow { return fields(fmt.Sprintf("value %q", text), "X-Name:"+text, nil, nil) }
	bad := func(text string) headRow { return fields(fmt.Sprintf("line %q", text), text, ErrField, nil) }
	rows := []headRow{
		value(""), value(" "), value("\t"), value(" \t \t"), value("a"), value(" a"), value("a "), value("\ta\t"), value(" \t a \t b \t "),
		value(" a\tb"), value(" \xc3\xa4\xff\x80"), value(" :"), value(" a: b"), value(" 1234567\t"), value(" 12345678\t"), value(" 123456789\t\t\tx"),
		value(" \"quoted, \\\" \""), value(" " + strings.Repeat("v", 5000)), value(" " + strings.Repeat("\t", 50) + "x"),
		bad("X-Name : value"), bad("X-Name\t: value"), bad("Content-Length : 5"), bad(": value"), bad(":"), bad("X-Name"), bad("X Name: value"),
		bad("X(Name): value"), bad("X-N\xe4me: value"), bad(" X-Name: value"), bad("\tX-Name: value"), bad("X-Name: one\r\n two"), bad("X-Name: one\r\n\ttwo"),
		bad("X-Name:\r\n two"), bad("X-Name: a\rb"), bad("X-Name: a\r\rb"), bad("X-N\rame: a"), bad("X-Name\r: a"), bad("X-Name: a\nX-Other: b"), bad("X-Name: a\n\r\nb: c"), bad("X-Name: a\n"), bad("\nX: y"), bad("\n"),
		bad("X-Name: a\x00b"), bad("X-N\x00ame: a"), bad("X-Name: a\x07b"), bad("X-Name: a\x7fb"), bad("X-N\x1bame: a"), bad("X-Name: \x0b"), bad("X-Name: a\x1f"),
		bad("X-Name: a\r"), bad("\rX: y"),
		{"folded first line", plainLine + " Host: a.example\r\nHost: a.example\r\n\r\n", ErrField, nil},
		{"line feed ends the head", plainLine + plainHost + "\n\r\n", ErrField, nil},
		{"only line feeds", "GET /x HTTP/1.1\nHost: a.example\n\n", ErrRequestLine, nil},
		fields("repeated", "A: 1\r\na: 2\r\nA: 1", nil, nil),
		fields("every token character", "!#$%&'*+-.^_`|~0123456789abcXYZ: 1", nil, nil),
		fields("name of one letter", "x:y", nil, nil),
		fields("long name", strings.Repeat("n", 5000)+": 1", nil, nil),
		fields("many", strings.Repeat("X-Many: 1\r\n", 98)+"X-Last: 1", nil, nil),
	}
	for c := range 256 {
		if c == '\t' || c >= ' ' && c != 0x7f {
			rows = append(rows, headRow{fmt.Sprintf("byte %02x in value", c), plainLine + plainHost + "X: a" + string([]byte{byte(c)}) + "b\r\n\r\n", nil, nil})
		} else {
			rows = append(rows, headRow{fmt.Sprintf("byte %02x in value", c), plainLine + plainHost + "X: a" + string([]byte{byte(c)}) + "b\r\n\r\n", ErrField, nil})
		}
		if !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:", rune(c)) {
			rows = append(rows, headRow{fmt.Sprintf("byte %02x in name", c), plainLine + plainHost + "X" + string([]byte{byte(c)}) + "y: z\r\n\r\n", ErrField, nil})
		}
	}
	return rows
}

func lengthRows() []headRow {
	length := func(value string, want *Error, n int64) headRow {
		return fields("length "+value, "Content-Length:"+value, want, declared(n))
	}
	rows := []headRow{
		length(" 0", nil, 0), length(" 5", nil, 5), length("5", nil, 5), length(" \t5\t ", nil, 5), length(" 05", nil, 5), length(" 9223372036854775807", nil, 1<<63-1),
		fields("length in capitals", "CONTENT-LENGTH: 7", nil, declared(7)),
		fields("same length twice", "Content-Length: 5\r\ncontent-length: 5", nil, declared(5)),
		fields("same length thrice", "Content-Length: 5\r\ncontent-length: 5\r\nA: b\r\nContent-length:5", nil, declared(5)),
		fields("two lengths", "Content-Length: 5\r\nContent-Length: 6", ErrLength, nil),
		fields("two lengths apart", "Content-Length: 5\r\nA: b\r\nContent-Length: 6", ErrLength, nil),
		fields("length and 0", "Content-Length: 5\r\nContent-Length: 0", ErrLength, nil),
		fields("0 and length", "Content-Length: 0\r\nContent-Length: 5", ErrLength, nil),
		fields("length and nothing", "Content-Length: 5\r\nContent-Length:", ErrLength, nil),
		// Two spellings of a number: who compares text sees two values.
		fields("two spellings", "Content-Length: 5\r\nContent-Length: 05", ErrLength, nil),
		fields("two spellings turned", "Content-Length: 05\r\nContent-Length: 5", ErrLength, nil),
		{"length in 1.0", "POST /x HTTP/1.0\r\nContent-Length: 3\r\n\r\n", nil, func(r *reading) { old(r); declared(3)(r); r.Method, r.Authority = "POST", "" }},
	}
	for _, value := range []string{"", " ", " +5", " -1", " -0", " 5 5", " 0x5", " 5_0", " 5,5", " 5, 5", " 5, 6", " 5,", " ,5", " five", " 5.0", " 5e1", " \"5\"", " 5;", " 5\t5",
		" 9223372036854775808", " 9999999999999999999", " 18446744073709551615", " 18446744073709551621", " 99999999999999999999999", " \xd9\xa5"} {
		rows = append(rows, length(value, ErrLength, 0))
	}
	return rows
}

func codingRows() []headRow {
	coding := func(value string, want *Error) headRow {
		return fields("coding "+value, "Transfer-Encoding:"+value, want, chunked)
	}
	const te = "Transfer-Encoding: chunked"
	return []headRow{
		coding(" chunked", nil), coding("chunked", nil), coding("\t chunked \t", nil), coding(" CHUNKED", nil), coding(" Chunked", nil),
		coding(" gzip", ErrCodingUnknown), coding(" gzip, chunked", ErrCodingUnknown), coding(" gzip,\tchunked", ErrCodingUnknown), coding(" deflate, gzip, chunked", ErrCodingUnknown),
		coding(" xchunked", ErrCodingUnknown), coding(" chunkedx", ErrCodingUnknown), coding(" chunke", ErrCodingUnknown),
		coding(" chunked, gzip", ErrCoding), coding(" chunked, chunked", ErrCoding), coding(" chunked,chunked", ErrCoding), coding(" Chunked, gzip, chunked", ErrCoding),
		coding(" identity", ErrCoding), coding(" chunked, identity", ErrCoding), coding("", ErrCoding), coding(" chunked,", ErrCoding), coding(" gzip,", ErrCoding), coding(" ,", ErrCoding),
		coding(` "chunked"`, ErrCoding), coding(" chunked;a=b", ErrCoding), coding(" chunked chunked", ErrCoding), coding(" chunked\tx", ErrCoding), coding(" ch\xc3\xbcnked", ErrCoding),
		coding(" \x0bchunked", ErrField), coding(" chunked\x00", ErrField), coding(" chunked\r", ErrField),
		coding("\r\n chunked", ErrCoding), // what folds is not read, as the value is empty
		fields("coding twice", te+"\r\n"+te, ErrCoding, nil),
		fields("coding and identity", te+"\r\nTransfer-Encoding: identity", ErrCoding, nil),
		fields("coding and nothing", te+"\r\nTransfer-Encoding:", ErrCoding, nil),
		fields("length and coding", "Content-Length: 5\r\n"+te, ErrLengthAndCoding, nil),
		fields("coding and length", te+"\r\nContent-Length: 5", ErrLengthAndCoding, nil),
		fields("coding and no length", te+"\r\nContent-Length: 0", ErrLengthAndCoding, nil),
		fields("length and other coding", "Content-Length: 5\r\nTransfer-Encoding: gzip", ErrCodingUnknown, nil),
		fields("space before colon", "Transfer-Encoding : chunked", ErrField, nil),
		fields("other names", "Transfer-Encodings: x\r\nTransfer_Encoding: y\r\nContent_Length: z", nil, nil),
		{"coding in 1.0", "POST /x HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n" + te + "\r\n\r\n", ErrCoding, nil},
		{"coding and length in 1.0", "POST /x HTTP/1.0\r\n" + te + "\r\nContent-Length: 5\r\n\r\n", ErrLengthAndCoding, nil},
	}
}

func hostRows() []headRow {
	host := func(value string, want *Error) headRow {
		return headRow{"host " + value, plainLine + "Host:" + value + "\r\n\r\n", want, func(r *reading) { r.Authority = strings.Trim(value, " \t") }}
	}
	rows := []headRow{
		{"no Host", plainLine + "Accept: */*\r\n\r\n", ErrHost, nil},
		{"no field", plainLine + "\r\n", ErrHost, nil},
		{"two Hosts", plainLine + plainHost + plainHost + "\r\n", ErrHost, nil},
		{"two Hosts in other cases", plainLine + "Host: a.example\r\nA: b\r\nhOST: a.example\r\n\r\n", ErrHost, nil},
		{"Host and an empty one", plainLine + plainHost + "Host:\r\n\r\n", ErrHost, nil},
		{"two Hosts in 1.0", "GET /x HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", ErrHost, nil},
		{"bad Host in 1.0", "GET /x HTTP/1.0\r\nHost: a b\r\n\r\n", ErrHost, nil},
		{"no Host in 1.0", "GET /x HTTP/1.0\r\n\r\n", nil, func(r *reading) { old(r); r.Authority = "" }},
		{"empty Host in 1.0", "GET /x HTTP/1.0\r\nHost:\r\n\r\n", nil, func(r *reading) { old(r); r.Authority = "" }},
		{"Host last", plainLine + "A: b\r\n" + plainHost + "\r\n", nil, nil},
		{"Host in 1.2", "GET /x HTTP/1.2\r\n\r\n", ErrHost, nil},
		host("a", nil), host(" \ta.example\t ", nil), host(" A.Example", nil), host(" a.example:8080", nil), host(" a.example:", nil), host(" [::1]", nil), host(" [::1]:80", nil),
		host(" 192.0.2.1", nil), host(" a.example.", nil), host(" a_b", nil), host(" a.example:65535", nil), host(" "+strings.Repeat("a", 300), nil),
	}
	for _, value := range []string{"", " ", " a b", " a/b", " user@a.example", " a.example:http", " a.example:65536", " a.example:+80", " a.example:80:80", " :80", " a.example, b.example",
		" [::1", " [a.example]", " [::1]x", " ::1", " a.example?x", " a#b", " a\\b", " \xc3\xa4.example", " a%41", " .", " [fe80::1%25eth0]", " a\tb", " [::1]:", " http://a", " \"a\"", " <a>"} {
		want := ErrHost
		if value == " [::1]:" { // an empty port is as good as none (RFC 3986, section 3.2.3)
			want = nil
		}
		rows = append(rows, host(value, want))
	}
	return rows
}

func optionRows() []headRow {
	connection := func(value string, want bool) headRow {
		return fields("connection "+value, "Connection:"+value, nil, func(r *reading) { r.Close = want })
	}
	connection10 := func(value string, want bool) headRow {
		return headRow{"1.0 connection " + value, "GET /x HTTP/1.0\r\n" + plainHost + "Connection:" + value + "\r\n\r\n", nil, func(r *reading) { r.Minor, r.Close = 0, want }}
	}
	continues := func(r *reading) { r.Continue = true }
	return []headRow{
		connection("", false), connection(" keep-alive", false), connection(" close", true), connection("close", true), connection(" CLOSE", true), connection(" Close\t", true),
		connection(" x, close", true), connection(" close, x", true), connection(" x,close,y", true), connection(" x\t,\tclose\t,y", true), connection(" ,,close", true), connection(" close,", true),
		connection(" keep-alive, close", true), connection(" closed", false), connection(" x-close", false), connection(" close x", false), connection(" \"close\"", false),
		connection(" close;x", false), connection(" upgrade", false), connection(" ,", false), connection(" , ,", false), connection(" clos", false), connection(" clo\xf3se", false),
		connection10("", true), connection10(" keep-alive", false), connection10(" Keep-Alive", false), connection10(" x, KEEP-ALIVE", false), connection10(" close", true),
		connection10(" keep-alive, close", true), connection10(" close, keep-alive", true), connection10(" keep-alivex", true), connection10(" keep", true),
		fields("close in the second line", "Connection: x\r\nConnection: close", nil, closes),
		fields("close in the first line", "connection: close\r\nConnection: keep-alive", nil, closes),
		fields("other name", "X-Connection: close\r\nConnections: close\r\nProxy-Connection: close", nil, nil),
		{"1.0 in two lines", "GET /x HTTP/1.0\r\n" + plainHost + "Connection: keep-alive\r\nConnection: x\r\n\r\n", nil, func(r *reading) { r.Minor = 0 }},
		{"1.0 both in two lines", "GET /x HTTP/1.0\r\n" + plainHost + "Connection: keep-alive\r\nConnection: close\r\n\r\n", nil, old},

		fields("expect", "Expect: 100-continue", nil, continues),
		fields("expect in capitals", "EXPECT:100-Continue\t", nil, continues),
		fields("expect twice", "Expect: 100-continue\r\nExpect: 100-continue", nil, continues),
		fields("expect with body", "Content-Length: 5\r\nExpect: 100-continue", nil, func(r *reading) { continues(r); declared(5)(r) }),
		fields("expect other", "Expect: the-best", ErrExpectation, nil),
		fields("expect more", "Expect: 100-continue, the-best", ErrExpectation, nil),
		fields("expect with parameter", "Expect: 100-continue;x=y", ErrExpectation, nil),
		fields("expect prefix", "Expect: 100-continu", ErrExpectation, nil),
		fields("expect two", "Expect: 100-continue\r\nExpect: the-best", ErrExpectation, nil),
		// RFC 9110, section 10.1.1: a server ignores the expectation of HTTP/1.0.
		{"expect in 1.0", "POST /x HTTP/1.0\r\n" + plainHost + "Expect: 100-continue\r\n\r\n", nil, func(r *reading) { old(r); r.Method = "POST" }},
		{"expect other in 1.0", "POST /x HTTP/1.0\r\n" + plainHost + "Expect: the-best\r\n\r\n", nil, func(r *reading) { old(r); r.Method = "POST" }},

		fields("upgrade", "Connection: upgrade\r\nUpgrade: websocket", nil, nil),
		fields("upgrade in capitals", "UPGRADE: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__", nil, nil),
		fields("upgrade and close", "Connection: close, upgrade\r\nUpgrade: websocket", nil, closes),
		fields("upgrade in other names", "X-Upgrade: x\r\nUpgrade-Insecure-Requests: 1\r\nUpgrad: x", nil, nil),
		// RFC 9110, section 7.8: a server ignores Upgrade in HTTP/1.0.
		{"upgrade in 1.0", "GET /x HTTP/1.0\r\n" + plainHost + "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", nil, old},
	}
}

// want is the verdict on a whole head as an error: none if it is nil.
func (row headRow) err() error {
	if row.want == nil {
		return nil
	}
	return row.want
}

func TestParse(t *testing.T) {
	for _, row := range headRows() {
		t.Run(row.name, func(t *testing.T) {
			for _, behind := range []string{"", "x", "\r\n", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\x00", 100)} {
				var r Request
				b := []byte(row.text + behind)
				done, err := r.Parse(b, &wide)
				if err != row.err() || done != (row.want == nil) {
					t.Fatalf("%q: got %v and error %v, want error %v", b, done, err, row.err())
				}
				if !done {
					continue
				}
				if got := read(t, &r, b); !reflect.DeepEqual(got, row.plain()) {
					t.Fatalf("%q:\n got %+v\nwant %+v", b, got, row.plain())
				}
			}
		})
	}
}

// TestParseSplits gives every beginning of every row: a fine head is incomplete
// up to its last byte, and only a bad one is refused before.
func TestParseSplits(t *testing.T) {
	for _, row := range headRows() {
		text := []byte(row.text)
		if len(text) > 1000 {
			continue
		}
		var r Request
		for n := range text {
			done, err := r.Parse(text[:n:n], &wide)
			if done {
				t.Errorf("%s: complete at %q", row.name, text[:n])
			}
			if err != nil && row.want == nil {
				t.Errorf("%s: error %v at %q", row.name, err, text[:n])
			}
			if err != nil {
				if _, ok := err.(*Error); !ok {
					t.Errorf("%s: got %T, want an *Error", row.name, err)
				}
			}
		}
	}
}

// TestParseBorders sets each limit to just what a head needs, and to one less.
func TestParseBorders(t *testing.T) {
	for _, row := range headRows() {
		if row.want != nil {
			continue
		}
		want := row.plain()
		exact := Limits{HeadBytes: len(row.text), TargetBytes: len(want.Target), Fields: len(want.Fields)}
		for n := 0; n <= len(row.text); n++ {
			var r Request
			if done, err := r.Parse([]byte(row.text[:n]), &exact); err != nil || done != (n == len(row.text)) {
				t.Fatalf("%s: %d of %d bytes: got %v and error %v at the limits", row.name, n, len(row.text), done, err)
			}
		}
		less := func(name string, change func(*Limits), want *Error) {
			limits := exact
			change(&limits)
			refused := false
			for n := 0; n <= len(row.text); n++ {
				var r Request
				done, err := r.Parse([]byte(row.text[:n]), &limits)
				if done || err != nil && err != error(want) {
					t.Fatalf("%s: %s: got %v and error %v for %d of %d bytes, want %v", row.name, name, done, err, n, len(row.text), want)
				}
				if refused && err == nil {
					t.Fatalf("%s: %s: refused before %d of %d bytes, but no more", row.name, name, n, len(row.text))
				}
				refused = err != nil
			}
			if !refused {
				t.Errorf("%s: %s: not refused", row.name, name)
			}
		}
		if len(row.text) > 1000 {
			continue
		}
		less("bytes", func(l *Limits) { l.HeadBytes-- }, ErrHeadTooLarge)
		if exact.TargetBytes > 1 {
			less("target", func(l *Limits) { l.TargetBytes-- }, ErrTargetTooLong)
		}
		if exact.Fields > 1 {
			less("fields", func(l *Limits) { l.Fields-- }, ErrTooManyFields)
		}
	}
}

func TestParseLimits(t *testing.T) {
	long := strings.Repeat("a", 100<<10)
	tests := []struct {
		name, text string
		limits     Limits
		want       error
	}{
		{"long target", "GET /" + long[:9000] + " HTTP/1.1\r\nHost: a\r\n\r\n", wide, ErrTargetTooLong},
		{"endless target", "GET /" + long, wide, ErrTargetTooLong},
		{"endless target without a limit of its own", "GET /" + long, Limits{HeadBytes: 64 << 10}, ErrHeadTooLarge},
		{"endless method", long, wide, ErrHeadTooLarge},
		{"endless name", plainLine + long, wide, ErrHeadTooLarge},
		{"endless value", plainLine + "X: " + long, wide, ErrHeadTooLarge},
		{"long value", plainLine + plainHost + "X: " + long + "\r\n\r\n", wide, ErrHeadTooLarge},
		{"many fields", plainLine + plainHost + strings.Repeat("X: 1\r\n", 100), wide, ErrTooManyFields},
		{"endless white space", plainLine + "X:" + strings.Repeat(" ", 64<<10), wide, ErrHeadTooLarge},
		{"end at the limit without a line feed", "GET / HTTP/1.1\r\nHost: a\r\n\r", Limits{HeadBytes: len("GET / HTTP/1.1\r\nHost: a\r\n\r")}, ErrHeadTooLarge},
		{"body beyond the limit", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + long, Limits{HeadBytes: 50}, nil},
		{"no limits", "GET /" + long + " HTTP/1.1\r\nHost: a\r\nX: " + long + "\r\n" + strings.Repeat("X: 1\r\n", 1000) + "\r\n", Limits{}, nil},
		{"limits below zero", "GET /" + long + " HTTP/1.1\r\nHost: a\r\n\r\n", Limits{-1, -1, -1}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r Request
			done, err := r.Parse([]byte(test.text), &test.limits)
			if err != test.want || done != (test.want == nil) {
				t.Errorf("got %v and error %v, want error %v", done, err, test.want)
			}
		})
	}
}

// TestParseAgain reads each row with a Request that has read another before, whole
// or a part of it.
func TestParseAgain(t *testing.T) {
	rows := slices.DeleteFunc(headRows(), func(row headRow) bool {
		return len(row.text) > 600 || strings.HasPrefix(row.name, "byte ") || strings.HasPrefix(row.name, "method with")
	})
	for _, first := range rows {
		for _, second := range rows {
			var again, fresh Request
			_, _ = again.Parse([]byte(first.text[:len(first.text)-len(second.name)%3]), &wide)
			b := []byte(second.text)
			done, err := again.Parse(b, &wide)
			wantDone, wantErr := fresh.Parse(b, &wide)
			if done != wantDone || err != wantErr {
				t.Fatalf("%s behind %s: got %v and error %v, want %v and %v", second.name, first.name, done, err, wantDone, wantErr)
			}
			if done {
				assert.Equal(t, read(t, &again, b), read(t, &fresh, b), second.name+" behind "+first.name)
			}
		}
	}
}

// TestParseKeepsNothing changes the bytes of a request after it was read, as a
// connection does with its buffer.
func TestParseKeepsNothing(t *testing.T) {
	var r Request
	b := []byte("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	if done, err := r.Parse(b, &wide); !done || err != nil {
		t.Fatalf("got %v and error %v", done, err)
	}
	bad := []byte("GET / HTTP/1.1\r\nHost: a b.examp\r\n\r\n")
	copy(b, bad)
	if done, err := r.Parse(b, &wide); done || err != error(ErrHost) {
		t.Errorf("got %v and error %v for a bad host in the place of a good one", done, err)
	}
	copy(b, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
	if done, err := r.Parse(b, &wide); !done || err != nil {
		t.Errorf("got %v and error %v for the good host again", done, err)
	}
}

func TestPipelined(t *testing.T) {
	var all []byte
	var want []reading
	for _, row := range headRows() {
		if row.want == nil {
			all, want = append(all, row.text...), append(want, row.plain())
		}
	}
	var r Request
	for _, w := range want {
		if done, err := r.Parse(all, &wide); !done || err != nil {
			t.Fatalf("got %v and error %v, want %+v", done, err, w)
		}
		assert.Equal(t, read(t, &r, all), w)
		all = all[r.Size:]
	}
	assert.Equal(t, len(all), 0)
}

func TestErrors(t *testing.T) {
	statuses := map[*Error]int{ErrRequestLine: 400, ErrVersion: 505, ErrTarget: 400, ErrTargetTooLong: 414, ErrField: 400, ErrHeadTooLarge: 431, ErrTooManyFields: 431,
		ErrHost: 400, ErrAbsolute: 400, ErrLength: 400, ErrCoding: 400, ErrCodingUnknown: 501, ErrLengthAndCoding: 400, ErrExpectation: 417,
		ErrChunk: 400, ErrChunkOverhead: 400, ErrTrailer: 400, ErrTrailersTooLarge: 431}
	for err, status := range statuses {
		assert.Equal(t, err.Status, status, err.Reason)
		assert.Equal(t, err.Error(), "http1: "+err.Reason)
	}
}
