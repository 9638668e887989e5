package runtimetest

import (
	"slices"
	"strings"

	"github.com/tako-go/tako"
)

func persistCases() []testCase {
	fine := []int{200}
	row := func(id, version, connection string, keeps bool) exchange {
		lines := ""
		if connection != "" {
			lines = "Connection: " + connection + "\r\n"
		}
		return exchange{id: "H1-19/" + id, send: "GET /x HTTP/" + version + "\r\nHost: a.example\r\n" + lines + "\r\n", want: fine, keeps: keeps}
	}
	all := table([]exchange{
		row("1.1", "1.1", "", true),
		row("1.1-keep-alive", "1.1", "keep-alive", true),
		row("1.1-close", "1.1", "close", false),
		row("1.1-close-in-list", "1.1", "x-name, CLOSE", false),
		row("1.1-close-in-second-line", "1.1", "x-name\r\nConnection: close", false),
		row("1.1-other-names", "1.1", "x-name, te", true),
		row("1.1-name-that-holds-close", "1.1", "x-close, closed", true),
		row("1.0", "1.0", "", false),
		row("1.0-close", "1.0", "close", false),
		{id: "H1-19/upgrade-unknown", send: request("GET", "/x", "", "Connection: upgrade", "Upgrade: time-machine/1"), want: fine, keeps: true},
		{id: "H1-19/upgrade-h2c", send: request("GET", "/x", "", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), want: fine, keeps: true},
	})
	return append(all,
		testCase{id: "H1-19/1.0-keep-alive", run: oldKeepAlive, faults: []fault{replies("not-said", "Connection: keep-alive", "Connection: keep-alone")}},
		testCase{id: "H1-19/close-said", run: closeSaid, faults: []fault{replies("not-said", "Connection: close\r\n", ""), deaf}},
		testCase{id: "H1-19/handler-closes", run: handlerCloses, faults: []fault{replies("not-said", "Connection: close\r\n", ""), deaf}},
		testCase{id: "H1-19/half-closed", run: halfClosed, faults: []fault{mute, deaf}},
	)
}

// oldKeepAlive lets the server decide, but what it says must be what it does.
func oldKeepAlive(x *T) {
	var seen echoes
	c := x.serve(tako.Limits{}, seen.routes).dial()
	const ask = "GET /x HTTP/1.0\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n"
	c.send(ask)
	r := c.expect(200)
	if !strings.EqualFold(r.get("Connection"), "keep-alive") {
		c.closed()
		return
	}
	c.send(ask)
	c.expect(200)
}

func closeSaid(x *T) {
	var seen echoes
	c := x.serve(tako.Limits{}, seen.routes).dial()
	c.send(request("GET", "/x", "", "Connection: close"))
	if r := c.expect(200); !r.closes() {
		x.Errorf("Connection is %q on the last response", r.all("Connection"))
	}
	c.closed()
}

func handlerCloses(x *T) {
	c := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/last", func(c *tako.Context) error {
			c.Header().Set("Connection", "close")
			return c.Text(200, "last")
		})
	}).dial()
	c.send(request("GET", "/last", ""))
	if r := c.expect(200); !r.closes() {
		x.Errorf("Connection is %q, the handler wants close", r.all("Connection"))
	}
	c.closed()
}

// halfClosed shuts the client's side behind the request, as simple clients do.
func halfClosed(x *T) {
	var seen echoes
	c := x.serve(tako.Limits{}, seen.routes).dial()
	c.send(request("POST", "/x", "hello"))
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			x.Fatal(err)
		}
	}
	if got := c.expect(200).line("body"); got != "hello" {
		x.Errorf("got body %q", got)
	}
	c.closed()
}

func methodCases() []testCase {
	fine := []int{200, 204}
	allow := replies("allow-lost", "Allow:", "X-Allow:")
	return append(table([]exchange{
		{id: "H1-21/asterisk-get", send: "GET * HTTP/1.1\r\nHost: a.example\r\n\r\n", want: []int{400}, keeps: true},
		{id: "H1-21/asterisk-post", send: "POST * HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n", want: []int{400}, keeps: true},
	}),
		testCase{id: "H1-21/asterisk-options", run: func(x *T) {
			s := x.serve(tako.Limits{}, somePaths)
			if r := s.ask("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", fine...); !slices.Contains(splitList(r.get("Allow")), "GET") {
				x.Errorf("Allow is %q", r.get("Allow"))
			}
		}, faults: []fault{allow}},
		testCase{id: "H1-21/connect-authority", run: neverRouted("CONNECT a.example:80", 501, 405, 400), faults: []fault{asks("get", "CONNECT a.example:80", "GET /any")}},
		testCase{id: "H1-21/connect-path", run: neverRouted("CONNECT /any", 501, 405, 400), faults: []fault{asks("get", "CONNECT /any", "GET /any")}},
		testCase{id: "H1-21/trace", run: neverRouted("TRACE /any", 405, 501), faults: []fault{asks("get", "TRACE", "GET"), mergeReplies("turned", []fault{turned("405"), turned("501")})}},
		testCase{id: "H1-21/trace-of-get-route", run: neverRouted("TRACE /get", 405, 501), faults: []fault{mergeReplies("turned", []fault{turned("405"), turned("501")})}},
		testCase{id: "H1-21/unknown-method", run: unknownMethod, faults: []fault{mergeReplies("turned", []fault{turned("405"), turned("501")})}},
	)
}

func somePaths(app *tako.Router) {
	app.Get("/get", say("get"))
	app.Post("/post", say("post"))
}

func splitList(s string) (items []string) {
	for item := range strings.SplitSeq(s, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}

// neverRouted demands that a route for every method does not get this one, and
// that no request field is sent back.
func neverRouted(line string, want ...int) func(x *T) {
	return func(x *T) {
		routed := make(chan string, 1)
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			somePaths(app)
			app.Any("/any", func(c *tako.Context) error { routed <- c.Method(); return c.Text(200, "any") })
		})
		c := s.dial()
		c.send(line + " HTTP/1.1\r\nHost: a.example\r\nX-Secret: token\r\n\r\n")
		if r := c.expect(want...); strings.Contains(r.body, "token") {
			x.Errorf("the answer shows the request: %q", r.body)
		}
		select {
		case method := <-routed:
			x.Errorf("%s reached a handler", method)
		default:
		}
	}
}

func unknownMethod(x *T) {
	s := x.serve(tako.Limits{}, somePaths)
	s.ask(request("BREW", "/get", ""), 405, 501)
}
