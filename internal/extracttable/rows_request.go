package extracttable

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func requestRows() []Row {
	unknownPeer := func(r *http.Request) { r.RemoteAddr = "@" }
	noHost := func(r *http.Request) { r.Host = ""; r.Proto, r.ProtoMinor = "HTTP/1.0", 0 }
	return []Row{
		row("extract.ClientIP", plain(func(v extract.ClientIP) string { return v.Addr.String() }), Row{
			Source:  "the address of the client: the peer of the connection, or what [trusted proxies](proxies.md) tell",
			Options: "`Router.TrustedProxies`",
			Good:    []Case{{Fields: []string{"X-Forwarded-For: 198.51.100.1, 203.0.113.7"}, Want: "203.0.113.7"}, {Fields: []string{`Forwarded: for="[2001:db8::7]:1"`}, Want: "2001:db8::7"}},
			Failures: []Failure{
				{400, "there is none, as on a Unix socket without a trusted proxy", Case{Memory: unknownPeer, Want: "not known"}, true},
			},
		}),
		row("extract.Host", plain(func(v extract.Host) string { return string(v) }), Row{
			Source:  "host and port that the client asked for: the authority of the request, or what trusted proxies tell",
			Options: "`Router.TrustedProxies`",
			Good:    []Case{{Fields: []string{"X-Forwarded-Host: reefs.example:8443"}, Want: "reefs.example:8443"}},
			Failures: []Failure{
				{400, "a request of HTTP/1.0 names none", Case{Memory: noHost, Want: "names no host"}, true},
			},
		}),
		row("extract.Scheme", plain(func(v extract.Scheme) string { return string(v) }), Row{
			Source:  "`https` or `http`: what the connection has, or what trusted proxies tell",
			Options: "`Router.TrustedProxies`",
			Good:    []Case{{Fields: []string{"X-Forwarded-Proto: https"}, Want: "https"}},
		}),
		row("extract.OriginalURL", plain(func(v extract.OriginalURL) string { return v.URL.String() }), Row{
			Source:  "the URL as the client asked for it, before any prefix was taken off",
			Options: "`Router.TrustedProxies`",
			Good:    []Case{{Path: "?a=%41", Fields: []string{"Forwarded: host=reefs.example;proto=https"}, Want: "https://reefs.example/extract-originalurl/FORM?a=%41"}},
			Failures: []Failure{
				{400, "a request of HTTP/1.0 names no host", Case{Memory: noHost, Want: "names no host"}, true},
				{400, "the target is no URL", Case{Memory: func(r *http.Request) { r.RequestURI = "no url" }, Want: "no URL"}, false},
			},
		}),
		row("extract.MatchedPath", plain(func(v extract.MatchedPath) string { return string(v) }), Row{
			Source: "the pattern of the route",
			Good:   []Case{{Want: "/extract-matchedpath/FORM"}},
			extra: func(r *tako.Router) {
				r.Group("/no-pattern").Fallback(func(c *tako.Context) error {
					_, err := tako.Extract[extract.MatchedPath](c)
					return err
				})
			},
			Failures: []Failure{
				{500, "no pattern led to the handler, such as a fallback", Case{Target: "/no-pattern/x"}, true},
			},
		}),
		row("extract.RawPath", plain(func(v extract.RawPath) string { return string(v) }), Row{
			rest:   "/{rest...}",
			Source: "the path in normal form, with its escapes",
			Good:   []Case{{Path: "/a%2fb/./%61", Want: "/extract-rawpath/FORM/a%2Fb/a"}},
		}),
		row("extract.Method", plain(func(v extract.Method) string { return string(v) }), Row{
			Source: "the method",
			Good:   []Case{{Method: "PROPFIND", Want: "PROPFIND"}},
		}),
		row("extract.Protocol", plain(func(v extract.Protocol) string { return v.String()[:5] }), Row{
			Source: "the version of HTTP",
			Good:   []Case{{Want: "HTTP/"}},
		}),
		row("extract.ConnInfo", plain(func(v extract.ConnInfo) string {
			if v.Remote == nil {
				return "no peer"
			}
			return "a peer"
		}), Row{
			Source: "the connection: its ends, TLS, and what a PROXY header has told",
			Good:   []Case{{Want: "a peer"}},
		}),
		row("extract.PeerCertificate", plain(func(v extract.PeerCertificate) string { return v.Certificate.Subject.CommonName }), Row{
			Source:  "the client certificate of the TLS handshake, verified, with its chain",
			Options: "`ClientAuth` of the [server](tls.md)",
			Good:    []Case{{Memory: withCertificate(true), Want: "octopus"}},
			Failures: []Failure{
				{403, "there is none", Case{Want: "client certificate is needed"}, true},
				{403, "it is not verified", Case{Memory: withCertificate(false), Want: "not verified"}, false},
			},
		}),
	}
}

// withCertificate makes a request come with a client certificate.
func withCertificate(verified bool) func(*http.Request) {
	return func(r *http.Request) {
		cert := &x509.Certificate{Subject: pkix.Name{CommonName: "octopus"}}
		r.TLS = &tls.ConnectionState{HandshakeComplete: true, PeerCertificates: []*x509.Certificate{cert}}
		if verified {
			r.TLS.VerifiedChains = [][]*x509.Certificate{{cert}}
		}
	}
}
