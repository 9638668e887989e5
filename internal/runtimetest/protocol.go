package runtimetest

import (
	"crypto/tls"
	"strings"
)

// Protocol is what the clients of a run speak.
type Protocol uint8

// The protocols that a suite can be run over.
const (
	HTTP1    Protocol = iota // HTTP/1.1 without TLS
	HTTP1TLS                 // HTTP/1.1 over TLS
	HTTP2                    // HTTP/2 over TLS, by ALPN
	H2C                      // HTTP/2 without TLS, with prior knowledge
	HTTP3                    // HTTP/3 over QUIC; the target needs DialQUIC
)

// String returns the name of the protocol, such as "h1+tls".
func (p Protocol) String() string {
	return [...]string{"h1", "h1+tls", "h2", "h2c", "h3"}[p]
}

func (p Protocol) secure() bool  { return p == HTTP1TLS || p == HTTP2 || p == HTTP3 }
func (p Protocol) http2() bool   { return p == HTTP2 || p == H2C }
func (p Protocol) streams() bool { return p.http2() || p == HTTP3 }

// alpn is the name of the protocol in a TLS handshake.
func (p Protocol) alpn() string {
	switch {
	case p == HTTP3:
		return "h3"
	case p.http2():
		return "h2"
	}
	return "http/1.1"
}

// Over returns the target with clients that speak p.
func (t Target) Over(p Protocol) Target {
	t.Protocol = p
	return t
}

// http2 reports whether the clients of the case speak HTTP/2.
func (x *T) http2() bool { return x.target.Protocol.http2() }

// streams reports whether they have many requests on a connection, each on its stream.
func (x *T) streams() bool { return x.target.Protocol.streams() }

// secure reports whether they speak TLS.
func (x *T) secure() bool { return x.target.Protocol.secure() }

// scheme is that of the requests.
func (x *T) scheme() string {
	if x.secure() {
		return "https"
	}
	return "http"
}

// clientTLS is the configuration of an ordinary client of the protocol.
func (x *T) clientTLS() *tls.Config {
	config := &tls.Config{RootCAs: x.target.authority().pool, ServerName: "a.example", NextProtos: []string{x.target.Protocol.alpn()}}
	if x.clientCert != nil {
		config.Certificates = []tls.Certificate{*x.clientCert}
	}
	if x.serverName != "" {
		config.ServerName = x.serverName
	}
	return config
}

// elsewhere maps ids, or their groups, to the reason why they are not run over
// HTTP/2: other cases have their subject there, or it does not exist.
var elsewhere = map[string]string{
	"CN-01":                 "accepting knows no protocol",
	"CN-04":                 "H2-14 stops in the phases of HTTP/2",
	"CN-10/timeouts":        "H2-14 has the phases of HTTP/2",
	"CN-14/http-1.0":        "an older version",
	"RT-12/refused":         "H2-10 and H2-11 have malformed authorities",
	"SD-01/pipelined":       "streams are not answered in order; see SD-02",
	"SD-04/slow-head":       "SD-02 stops in the phases of HTTP/2",
	"SD-04/second-head":     "SD-02 stops in the phases of HTTP/2",
	"SD-06/upgraded-told":   "there is no raw connection to take over",
	"SD-06/upgraded-cut":    "there is no raw connection to take over",
	"SD-06/upgraded-works":  "there is no raw connection to take over",
	"CN-10/HeaderBytes":     "H2-04 has the sizes of HTTP/2",
	"SD-10/failed-start":    "nothing is served",
	"EX-13/two-bodies":      "nothing is served",
	"RT-09/missing-state":   "nothing is served",
	"RT-09/missing-provide": "nothing is served",
}

// offQUIC maps ids, or their groups, to the reason why they are not run over HTTP/3 beside
// what elsewhere has.
var offQUIC = map[string]string{
	"CN-02":                 "a connection too many is refused, as no queue of the kernel holds it; transport/h3 has the cap",
	"SD-04/cap-full":        "a connection too many is refused",
	"SD-08/one-fails":       "a port of TCP is not one of UDP",
	"RT-09/first-requests":  "nobody can connect before Serve",
	"CN-03":                 "clients come from one address; transport/h3 has the limit",
	"CN-11":                 "transport/h3 has its addresses",
	"PP":                    "QUIC has no PROXY protocol",
	"SD-04/accept-back-off": "nothing is accepted",
	"SD-04/proxy-header":    "QUIC has no PROXY protocol",
	"SD-09":                 "datagrams cannot be shared; transport/h3 has the hand-over",
}

// notOverQUIC reports whether the case is left out over HTTP/3.
func (tc testCase) notOverQUIC() bool {
	group, _, _ := strings.Cut(tc.id, "-")
	for id := range offQUIC {
		if within(tc.id, id) || group == id {
			return true
		}
	}
	return false
}

// shared are the cases among those of HTTP/1.1 that are on what HTTP/2 has too:
// bodies, their ends and limits, and what a handler does.
var shared = []string{"H1-11/target", "H1-11/fields", "H1-11/at-target-limit", "H1-11/at-field-limit", "H1-12", "H1-14/reads", "H1-14/refuses", "H1-14/does-not-read", "H1-16", "H1-17", "H1-18",
	"H1-20/arrives", "H1-20/arrives-unannounced", "H1-20/not-merged", "H1-20/sent", "H1-21/asterisk-options", "H1-21/trace", "H1-21/trace-of-get-route", "H1-21/unknown-method"}

// above reports a case about what handlers ask for: each runtime shows it over one protocol
// of each kind, and without what carries them.
func (tc testCase) above() bool {
	if within(tc.id, "CA-01") { // cookies are Secure where there is TLS
		return false
	}
	for _, prefix := range []string{"CA-", "AD-", "EX-06/", "EX-07/", "EX-16/", "EX-17/extractor"} {
		if strings.HasPrefix(tc.id, prefix) {
			return true
		}
	}
	return false
}

// speaks reports whether the case is run over p.
func (tc testCase) speaks(p Protocol) bool {
	if tc.over != nil {
		for _, q := range tc.over {
			if p == q {
				return true
			}
		}
		return false
	}
	switch {
	case tc.above():
		return p == HTTP1 || p == H2C || p == HTTP3
	case strings.HasPrefix(tc.id, "TL-"):
		return p.secure() && p != HTTP3
	case strings.HasPrefix(tc.id, "H2-"):
		return p.http2()
	case tc.startOnly():
		return p == HTTP1
	case !p.streams():
		return true
	case p == HTTP3 && tc.notOverQUIC():
		return false
	case strings.HasPrefix(tc.id, "H1-"):
		for _, prefix := range shared {
			if within(tc.id, prefix) {
				return true
			}
		}
		return false
	}
	for prefix := range elsewhere {
		if within(tc.id, prefix) {
			return false
		}
	}
	return true
}

// home is the protocol over which the case shows that it notices faults.
func (tc testCase) home() Protocol {
	for _, p := range []Protocol{HTTP1, H2C, HTTP1TLS} {
		if tc.speaks(p) {
			return p
		}
	}
	return HTTP2
}

// port is the carrier over which the case shows that it notices faults.
func (tc testCase) port() Carrier {
	for _, c := range []Carrier{TCP, ProxyV2, Unix} {
		if tc.rides(c) {
			return c
		}
	}
	return ProxyV1
}

// startOnly reports whether the case sees no request: its server does not start.
func (tc testCase) startOnly() bool {
	return within(tc.id, "RT-07") || strings.HasPrefix(tc.id, "CN-10/") && strings.HasSuffix(tc.id, "/negative")
}

// within reports whether an id is the given one or below it.
func within(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	return ok && (rest == "" || rest[0] == '/')
}
