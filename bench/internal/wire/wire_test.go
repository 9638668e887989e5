package wire

import (
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// serve answers on a port of its own over TLS, or in clear text with HTTP/2.
func serve(t *testing.T, pair Pair, config *tls.Config) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler(), TLSConfig: config, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if config != nil {
			_ = server.ServeTLS(ln, pair.File, pair.File)
		} else {
			_ = server.Serve(ln)
		}
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return ln.Addr().String()
}

func newPair(t *testing.T) Pair {
	t.Helper()
	pair, err := NewPair(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// ask returns the answer as it came over p.
func ask(t *testing.T, p Protocol, pair Pair, addr string) *http.Response {
	t.Helper()
	transport := p.Transport(pair)
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Scheme()+"://"+addr+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp
}

func TestProtocols(t *testing.T) {
	pair := newPair(t)
	plain, secure := serve(t, pair, nil), serve(t, pair, &tls.Config{})
	all := []Protocol{HTTP1, H2C, HTTPS, H2}
	for _, p := range all {
		addr := plain
		if p.Secure() {
			addr = secure
		}
		resp := ask(t, p, pair, addr)
		// An answer proves its own protocol and none that is more.
		for _, other := range all {
			err := other.Check(resp)
			fits := other.Multiplexed() == p.Multiplexed() && (p.Secure() || !other.Secure())
			if fits != (err == nil) {
				t.Errorf("an answer over protocol %d for protocol %d: got %v", p, other, err)
			}
		}
	}
}

func TestHandshakesAreTheSame(t *testing.T) {
	good := tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: Cipher}
	if err := CheckHandshake(&good); err != nil {
		t.Error(err)
	}
	old, other := good, good
	old.Version, other.CipherSuite = tls.VersionTLS12, tls.TLS_AES_256_GCM_SHA384
	for _, tt := range []struct {
		state *tls.ConnectionState
		want  string
	}{{nil, "clear text"}, {&old, "TLS 1.2"}, {&other, "TLS_AES_256_GCM_SHA384"}} {
		if err := CheckHandshake(tt.state); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	pair := Pair{File: "pair.pem"}
	for p, want := range map[Protocol][]string{HTTP1: nil, H2C: {"-h2c"}, HTTPS: {"-tls", "pair.pem"}, H2: {"-tls", "pair.pem"}, H3: {"-h3", "-tls", "pair.pem"}} {
		if got := p.Options(pair); !slices.Equal(got, want) {
			t.Errorf("protocol %d: got %q, want %q", p, got, want)
		}
	}
}
