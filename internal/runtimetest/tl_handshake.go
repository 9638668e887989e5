package runtimetest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
)

func tlsCases() (all []testCase) {
	for _, group := range [][]testCase{stallCases(), versionCases(), alpnCases(), nameCases(), clientCertCases(), reloadCases(), plainCases(), closeNotifyCases()} {
		all = append(all, group...)
	}
	return all
}

func stallCases() []testCase {
	strikes := []fault{limited("no-timeout", func(l *tako.Limits) { l.HandshakeTimeout = tako.NoLimit }), deaf}
	return []testCase{
		{id: "TL-01/silent", timed: true, run: stallsAt(0), faults: strikes},
		{id: "TL-01/one-byte", timed: true, run: stallsAt(1), faults: strikes},
		{id: "TL-01/record-header", timed: true, run: stallsAt(5), faults: strikes},
		{id: "TL-01/half-hello", timed: true, run: stallsAt(100), faults: strikes},
		{id: "TL-01/whole-hello", timed: true, run: stallsAt(-1), faults: strikes},
		{id: "TL-01/dripped", timed: true, run: drippedHello, faults: strikes},
		{id: "TL-01/others-go-on", timed: true, run: stallsBeside, faults: []fault{around("slow", func(next tako.Handler) tako.Handler {
			return func(c *tako.Context) error { pause(c, 2*fairBound); return next(c) }
		})}},
	}
}

// clientHello returns the first flight of an ordinary client.
func clientHello(x *T) []byte {
	ours, theirs := net.Pipe()
	go func() { _ = tls.Client(theirs, x.clientTLS()).Handshake() }()
	defer ours.Close()
	defer theirs.Close()
	head := make([]byte, 5)
	_, _ = io.ReadFull(ours, head)
	rest := make([]byte, int(head[3])<<8|int(head[4]))
	_, _ = io.ReadFull(ours, rest)
	return append(head, rest...)
}

// rawClient is a connection without TLS to a port that wants it.
func (s *server) rawClient() *client {
	conn := s.dialRaw(nil)
	if f := s.x.fault; f != nil && f.deaf && f.frames == nil {
		conn = newWire(conn, f)
	}
	return newClient(s.x, conn)
}

// stallsAt sends a part of the first flight, from many clients at once.
func stallsAt(n int) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{HandshakeTimeout: short}, nil)
		s.frayed = true
		hello := clientHello(x)
		if n < 0 {
			n = len(hello)
		}
		began := time.Now()
		var all []*client
		for range 20 {
			c := s.rawClient()
			c.send(string(hello[:n]))
			all = append(all, c)
		}
		for _, c := range all {
			c.handshakeEnds()
		}
		if took := time.Since(began); took > x.bound()+time.Second {
			x.Errorf("closed only after %v", took)
		}
	}
}

// handshakeEnds demands the end of the connection; an alert or the server's part of
// the handshake may come before.
func (c *client) handshakeEnds() {
	c.x.Helper()
	_ = c.SetReadDeadline(time.Now().Add(c.x.patience))
	if _, err := io.Copy(io.Discard, c.br); err != nil && strings.Contains(err.Error(), "timeout") {
		c.x.Fatal("the server keeps the connection open")
	}
}

func drippedHello(x *T) {
	s := x.serve(tako.Limits{HandshakeTimeout: short}, nil)
	s.frayed = true
	began := time.Now()
	c := s.rawClient()
	stop := make(chan struct{})
	defer close(stop)
	go c.drip(string(clientHello(x)), short/5, stop)
	c.handshakeEnds()
	if took := time.Since(began); took > x.bound()+time.Second {
		x.Errorf("closed only after %v", took)
	}
}

// stallsBeside has handshakes that go on while others do not.
func stallsBeside(x *T) {
	s := x.serve(tako.Limits{}, hello)
	s.frayed = true
	first := clientHello(x)
	for i := range 50 {
		_, _ = s.dialRaw(nil).Write(first[:i*len(first)/50])
	}
	for range 10 {
		began := time.Now()
		s.get("/hello", 200)
		if took := time.Since(began); took > fairBound {
			x.Errorf("a handshake beside others that stall took %v", took)
		}
	}
}

// handshake connects with a configuration and sends one request; the error says what
// the client was told.
func (s *server) handshake(config *tls.Config) (*tls.ConnectionState, *response, error) {
	x := s.x
	x.Helper()
	conn, err := overTLS(x, s.dialRaw(nil), config)
	if err != nil {
		return nil, nil, err
	}
	defer conn.NetConn().Close()
	state := conn.ConnectionState()
	if state.NegotiatedProtocol == "h2" {
		c := newFrameClient(x, conn, frameOptions{})
		c.begin()
		defer c.close()
		r, err := c.outcome(c.open(true, c.get("/who")))
		return &state, r, err
	}
	c := newClient(x, conn)
	c.send(request("GET", "/who", ""))
	r, err := c.tryRead("GET")
	return &state, r, err
}

// who answers with the identity of the client.
func who(app *tako.Router) {
	app.Get("/who", func(c *tako.Context) error {
		name := "nobody"
		if state := c.ConnInfo().TLS; state != nil && len(state.VerifiedChains) > 0 {
			name = state.VerifiedChains[0][0].Subject.CommonName
		}
		return c.Text(200, "who="+name+"\nprotocol="+c.Protocol().String()+"\n")
	})
}

// alertOf is the alert that the server has sent.
func alertOf(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return op.Err.Error()
	}
	return ""
}

func versionCases() []testCase {
	weak := planted("certs-weak")
	return []testCase{
		{id: "TL-02/tls-1.0", run: refusesHello("protocol version", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS10 }), faults: []fault{weak}},
		{id: "TL-02/tls-1.1", run: refusesHello("protocol version", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }), faults: []fault{weak}},
		{id: "TL-02/no-forward-secrecy", run: refusesHello("handshake failure", func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		}), faults: []fault{weak}},
		{id: "TL-02/tls-1.2", run: acceptsTLS12, faults: []fault{bodies("lost", "who=", "x=")}},
		{id: "TL-02/large-chain", run: largeChain, faults: []fault{planted("chain-small")}},
		{id: "TL-02/renegotiation", skip: "no client of crypto/tls can ask for it, and its servers never take part in one"},
		{id: "TL-07/early-data", skip: "crypto/tls takes no early data over TCP, and offers none in its tickets"},
	}
}

func refusesHello(alert string, change func(c *tls.Config)) func(x *T) {
	return func(x *T) {
		certs := x.certs()
		certs.weak = x.planted("certs-weak")
		s := x.serveWith(setup{certs: certs}, who)
		config := x.clientTLS()
		change(config)
		_, r, err := s.handshake(config)
		if err == nil {
			x.Fatalf("got status %d, want the handshake refused", r.status)
		}
		if got := alertOf(err); !strings.Contains(got, alert) {
			x.Errorf("the refusal is %q, want the alert %q", err, alert)
		}
	}
}

func acceptsTLS12(x *T) {
	s := x.serve(tako.Limits{}, who)
	config := x.clientTLS()
	config.MaxVersion = tls.VersionTLS12
	state, r, err := s.handshake(config)
	if err != nil || r.line("who") != "nobody" {
		x.Fatalf("got %+v and %v", r, err)
	}
	if name := tls.CipherSuiteName(state.CipherSuite); !strings.HasPrefix(name, "TLS_ECDHE_") || strings.Contains(name, "CBC") {
		x.Errorf("the suite is %s", name)
	}
}

// largeChain sends certificates of a megabyte where the server asks for some.
func largeChain(x *T) {
	s := x.serveCerts(transport.CertConfig{ClientAuth: x.clientAuth(true)})
	s.frayed = true
	chain := *x.target.authority().issue(clientUsage, "anna")
	for size := 0; size < 1<<20 && !x.planted("chain-small"); size += len(chain.Certificate[0]) {
		chain.Certificate = append(chain.Certificate, chain.Certificate[0])
	}
	if _, r, err := s.handshake(x.as(&chain)); err == nil {
		x.Errorf("got status %d, want the handshake refused", r.status)
	}
	s.serves(x.as(nil), "nobody")
}

// splitHello holds the handshake of a client back behind its first bytes.
func splitHello(conn net.Conn) (net.Conn, *heldConn) {
	h := &heldConn{Conn: conn, held: make(chan struct{}), goOn: make(chan struct{})}
	return h, h
}

// heldConn sends the first bytes of the first write and waits with the rest.
type heldConn struct {
	net.Conn
	once sync.Once
	held chan struct{}
	goOn chan struct{}
}

func (h *heldConn) Write(p []byte) (int, error) {
	first := false
	h.once.Do(func() { first = true })
	if !first {
		return h.Conn.Write(p)
	}
	n, err := h.Conn.Write(p[:50])
	if err != nil {
		return n, err
	}
	close(h.held)
	<-h.goOn
	m, err := h.Conn.Write(p[50:])
	return n + m, err
}
