package wire

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"time"
)

// Protocol is what requests go over.
type Protocol int

const (
	// HTTP1 is HTTP/1.1 in clear text.
	HTTP1 Protocol = iota
	// H2C is HTTP/2 in clear text, with prior knowledge.
	H2C
	// HTTPS is HTTP/1.1 over TLS 1.3.
	HTTPS
	// H2 is HTTP/2 over TLS 1.3.
	H2
	// Raw is no HTTP: bytes come back as they are sent.
	Raw
	// Datagrams come back as they are sent, over UDP.
	Datagrams
	// H3 is HTTP/3.
	H3
	// WebSocket is over HTTP/1.1 in clear text.
	WebSocket
)

// Cipher is what all servers use over TLS: it is what those in Go choose, and the
// others are configured so.
const Cipher = tls.TLS_AES_128_GCM_SHA256

// handshakeTimeout is far more than a handshake takes here.
const handshakeTimeout = 10 * time.Second

// Secure says whether it goes over TLS.
func (p Protocol) Secure() bool { return p == HTTPS || p == H2 || p == H3 }

// Multiplexed says whether requests share a connection over TCP as streams.
func (p Protocol) Multiplexed() bool { return p == H2C || p == H2 }

// Scheme is http or https.
func (p Protocol) Scheme() string {
	if p.Secure() {
		return "https"
	}
	return "http"
}

// Options is what a server is started with to speak it.
func (p Protocol) Options(pair Pair) []string {
	switch {
	case p == H3:
		return []string{"-h3", "-tls", pair.File}
	case p.Secure():
		return []string{"-tls", pair.File}
	case p == H2C:
		return []string{"-h2c"}
	}
	return nil
}

// Transport speaks this protocol only, and trusts nobody but the pair. For H3 there is
// [Transport3].
func (p Protocol) Transport(pair Pair) *http.Transport {
	var only http.Protocols
	only.SetHTTP1(!p.Multiplexed())
	only.SetHTTP2(p == H2)
	only.SetUnencryptedHTTP2(p == H2C)
	t := &http.Transport{Protocols: &only, DisableCompression: true, TLSHandshakeTimeout: handshakeTimeout}
	if p.Secure() {
		t.TLSClientConfig = &tls.Config{RootCAs: pair.Roots, MinVersion: tls.VersionTLS13}
	}
	return t
}

// Check makes sure that an answer came over this protocol, with the cipher that
// all are to use.
func (p Protocol) Check(resp *http.Response) error {
	major := 1
	switch {
	case p.Multiplexed():
		major = 2
	case p == H3:
		major = 3
	}
	if resp.ProtoMajor != major {
		return fmt.Errorf("the answer is %s, not HTTP/%d", resp.Proto, major)
	}
	if !p.Secure() {
		return nil
	}
	return CheckHandshake(resp.TLS)
}

// CheckHandshake makes sure that TLS is the same for all servers.
func CheckHandshake(state *tls.ConnectionState) error {
	switch {
	case state == nil:
		return fmt.Errorf("the answer came in clear text")
	case state.Version != tls.VersionTLS13:
		return fmt.Errorf("the server chose %s, not TLS 1.3", tls.VersionName(state.Version))
	case state.CipherSuite != Cipher:
		return fmt.Errorf("the server chose %s, not %s", tls.CipherSuiteName(state.CipherSuite), tls.CipherSuiteName(Cipher))
	}
	return nil
}
