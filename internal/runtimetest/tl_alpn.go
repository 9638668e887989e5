package runtimetest

import (
	"io"
	"strings"
	"time"

	"github.com/tako-go/tako"
)

func alpnCases() (all []testCase) {
	for id, row := range map[string]struct {
		offer    []string
		protocol string // that the handler sees
		chosen   string
		off      bool
	}{
		"both":            {[]string{"h2", "http/1.1"}, "HTTP/2", "h2", false},
		"both-reversed":   {[]string{"http/1.1", "h2"}, "HTTP/2", "h2", false},
		"h2":              {[]string{"h2"}, "HTTP/2", "h2", false},
		"http-1.1":        {[]string{"http/1.1"}, "HTTP/1.1", "http/1.1", false},
		"none":            {nil, "HTTP/1.1", "", false},
		"one-known":       {[]string{"x-other", "http/1.1"}, "HTTP/1.1", "http/1.1", false},
		"off":             {[]string{"h2", "http/1.1"}, "HTTP/1.1", "http/1.1", true},
		"no-common":       {[]string{"x-other", "h3"}, "", "", false},
		"no-common-1.0":   {[]string{"http/1.0"}, "", "", false},
		"off-and-only-h2": {[]string{"h2"}, "", "", true},
	} {
		all = append(all, testCase{id: "TL-03/" + id, over: []Protocol{HTTP2}, faults: []fault{planted("other-offer")}, run: func(x *T) {
			s := x.serveWith(setup{http2: tako.HTTP2Config{Off: row.off}}, who)
			s.unasked = row.off
			config := x.clientTLS()
			config.NextProtos = row.offer
			if x.planted("other-offer") {
				if config.NextProtos = []string{"h2"}; row.chosen == "h2" {
					config.NextProtos = []string{"http/1.1"}
				}
				if row.protocol == "" && row.off {
					config.NextProtos = nil
				}
			}
			state, r, err := s.handshake(config)
			switch {
			case row.protocol == "" && !strings.Contains(alertOf(err), "no application protocol"):
				x.Errorf("got %v and %v, want the alert no_application_protocol", r, err)
			case row.protocol == "":
			case err != nil:
				x.Error(err)
			case state.NegotiatedProtocol != row.chosen || r.line("protocol") != row.protocol:
				x.Errorf("chosen %q, the handler sees %q, want %q and %q", state.NegotiatedProtocol, r.line("protocol"), row.chosen, row.protocol)
			}
		}})
	}
	return append(all, testCase{id: "TL-03/preface-on-http-1.1", over: []Protocol{HTTP1TLS}, run: prefaceOnHTTP1, faults: []fault{asks("asked-well", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /who HTTP/1.1\r\nHost: a.example\r\n\r\n")}})
}

// prefaceOnHTTP1 begins with HTTP/2 on a connection for which HTTP/1.1 was chosen.
func prefaceOnHTTP1(x *T) {
	s := x.serve(tako.Limits{}, who)
	s.frayed = true
	c := s.dial()
	c.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	r, err := c.tryRead("GET")
	if err == nil && r.status < 400 {
		x.Errorf("got status %d, want a refusal", r.status)
	}
	if err != nil && !cutOff(err) {
		x.Errorf("got %v, want a refusal in HTTP/1.1 or the end", err)
	}
}

func plainCases() []testCase {
	return []testCase{
		{id: "TL-09/request", run: plainOnTLS("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", true), faults: []fault{planted("unanswered"), deaf}},
		{id: "TL-09/old-request", run: plainOnTLS("GET / HTTP/1.0\r\n\r\n", true), faults: []fault{planted("unanswered"), deaf}},
		{id: "TL-09/post", run: plainOnTLS("POST /form HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello", true), faults: []fault{planted("unanswered"), deaf}},
		{id: "TL-09/preface", run: plainOnTLS("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false), faults: []fault{deaf}},
		{id: "TL-09/garbage", run: plainOnTLS(strings.Repeat("\x00\xff", 100), false), faults: []fault{deaf}},
		{id: "TL-09/tls-to-plain", over: []Protocol{HTTP1, H2C}, run: tlsOnPlain, faults: []fault{planted("kept")}},
	}
}

// plainOnTLS sends what is not TLS where it is wanted. A request is told why, in
// clear text; the log has a line about it at most.
func plainOnTLS(text string, answered bool) func(x *T) {
	return func(x *T) {
		var seen echoes
		s := x.serve(tako.Limits{}, seen.routes)
		s.frayed = true
		c := s.rawClient()
		before := strings.Count(s.logs.String(), "\n")
		c.send(text)
		_ = c.SetReadDeadline(time.Now().Add(x.patience))
		got, err := io.ReadAll(c.br)
		if err != nil && strings.Contains(err.Error(), "timeout") {
			x.Fatal("the server keeps the connection open")
		}
		if x.planted("unanswered") {
			got = nil
		}
		if answered && !strings.HasPrefix(string(got), "HTTP/1.0 400 Bad Request\r\n") {
			x.Errorf("got %q and %v, want 400 in clear text", got, err)
		}
		if strings.Contains(string(got), "method=") || seen.others.Load() > 0 {
			x.Error("a handler has seen the request")
		}
		s.get(alivePath, 200)
		if n := strings.Count(s.logs.String(), "\n") - before; n > 1 {
			x.Errorf("%d lines in the log: %s", n, s.logs)
		}
	}
}

// tlsOnPlain begins a handshake where nobody speaks TLS.
func tlsOnPlain(x *T) {
	s := x.serve(tako.Limits{}, nil)
	s.frayed = true
	conn := s.dialRaw(nil)
	_ = conn.SetDeadline(time.Now().Add(x.patience))
	if !x.planted("kept") {
		_, _ = conn.Write(clientHello(x))
	}
	got, err := io.ReadAll(conn)
	if err != nil && strings.Contains(err.Error(), "timeout") {
		x.Fatal("the server keeps the connection open")
	}
	if len(got) > 0 && !strings.HasPrefix(string(got), "HTTP/1.") {
		x.Errorf("got %q", got)
	}
}
