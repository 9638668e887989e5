package transport_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// acmeServer is an authority that speaks RFC 8555 as far as clients with elliptic
// curve keys need it. It checks signatures, nonces and, by connecting, challenges.
type acmeServer struct {
	*httptest.Server
	ca       *authority
	life     time.Duration // of what it issues
	offers   []string      // types of challenges
	tlsAddr  string        // where hosts are found
	httpAddr string
	hold     chan struct{} // orders wait until it is closed, if there is one

	mu       sync.Mutex
	nonces   map[string]bool
	accounts map[string]*ecdsa.PublicKey // by URL
	orders   []*acmeOrder
	proofs   []string // the challenges that were met
	faults   []string // requests that were wrong, which tests do not want
}

type acmeOrder struct {
	host, token, status string
	invalid             error
	chain               []byte
}

func newACMEServer(t *testing.T, offers ...string) *acmeServer {
	s := &acmeServer{ca: newCA(t, "acme"), life: 90 * 24 * time.Hour, offers: offers,
		nonces: map[string]bool{}, accounts: map[string]*ecdsa.PublicKey{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /directory", s.directory)
	mux.HandleFunc("/nonce", func(w http.ResponseWriter, r *http.Request) { s.nonce(w) })
	mux.HandleFunc("POST /account", s.signed(s.account))
	mux.HandleFunc("POST /order", s.signed(s.order))
	mux.HandleFunc("POST /order/{n}", s.signed(s.showOrder))
	mux.HandleFunc("POST /authz/{n}", s.signed(s.showAuthz))
	mux.HandleFunc("POST /challenge/{n}/{kind}", s.signed(s.challenge))
	mux.HandleFunc("POST /finalize/{n}", s.signed(s.finalize))
	mux.HandleFunc("POST /certificate/{n}", s.signed(s.certificate))
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.Close()
		for _, fault := range s.faults {
			t.Error("acme server: ", fault)
		}
	})
	return s
}

func (s *acmeServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders)
}

func (s *acmeServer) directory(w http.ResponseWriter, r *http.Request) {
	write(w, http.StatusOK, map[string]any{"newNonce": s.URL + "/nonce", "newAccount": s.URL + "/account",
		"newOrder": s.URL + "/order", "revokeCert": s.URL + "/revoke", "keyChange": s.URL + "/key",
		"meta": map[string]any{"termsOfService": s.URL + "/terms"}})
}

func (s *acmeServer) nonce(w http.ResponseWriter) {
	nonce := rand.Text()
	s.mu.Lock()
	s.nonces[nonce] = true
	s.mu.Unlock()
	w.Header().Set("Replay-Nonce", nonce)
	w.Header().Set("Cache-Control", "no-store")
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// A request is the payload of a JWS that was checked.
type request struct {
	*http.Request
	account string // URL
	key     *ecdsa.PublicKey
	payload []byte
}

type acmeProblem struct {
	kind, detail string
}

func (p *acmeProblem) Error() string { return p.kind + ": " + p.detail }

// signed checks what all requests have in common (RFC 8555, section 6).
func (s *acmeServer) signed(serve func(http.ResponseWriter, *request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.nonce(w)
		req, err := s.open(r)
		if err == nil {
			err = serve(w, req)
		}
		if err == nil {
			return
		}
		var p *acmeProblem
		if !errors.As(err, &p) {
			s.mu.Lock()
			s.faults = append(s.faults, r.URL.Path+": "+err.Error())
			s.mu.Unlock()
			p = &acmeProblem{"malformed", err.Error()}
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		json.NewEncoder(w).Encode(map[string]any{"type": "urn:ietf:params:acme:error:" + p.kind, "detail": p.detail, "status": 403})
	}
}

func (s *acmeServer) open(r *http.Request) (*request, error) {
	var jws struct{ Protected, Payload, Signature string }
	if r.Header.Get("Content-Type") != "application/jose+json" {
		return nil, errors.New("not JOSE")
	}
	if err := json.NewDecoder(r.Body).Decode(&jws); err != nil {
		return nil, err
	}
	var head struct {
		Alg, Nonce, URL, Kid string
		JWK                  *struct{ Crv, Kty, X, Y string }
	}
	if err := json.Unmarshal(unbase64(jws.Protected), &head); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.nonces[head.Nonce] {
		return nil, errors.New("bad nonce")
	}
	delete(s.nonces, head.Nonce)
	req := &request{Request: r, account: head.Kid, payload: unbase64(jws.Payload), key: s.accounts[head.Kid]}
	if head.JWK != nil {
		point := slices.Concat([]byte{4}, unbase64(head.JWK.X), unbase64(head.JWK.Y))
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
		if err != nil {
			return nil, err
		}
		req.key = key
		req.account = s.URL + "/account/" + thumbprint(key)
	}
	sig := unbase64(jws.Signature)
	switch {
	case head.URL != s.URL+r.URL.Path:
		return nil, errors.New("signed for " + head.URL)
	case head.Alg != "ES256" || req.key == nil || len(sig) != 64:
		return nil, errors.New("no known key")
	}
	sum := sha256.Sum256([]byte(jws.Protected + "." + jws.Payload))
	if !ecdsa.Verify(req.key, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return nil, errors.New("bad signature")
	}
	return req, nil
}

func unbase64(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return b
}

// thumbprint is that of RFC 7638.
func thumbprint(key *ecdsa.PublicKey) string {
	point, _ := key.Bytes()
	enc := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, enc(point[1:33]), enc(point[33:])))
	return enc(sum[:])
}

func (s *acmeServer) account(w http.ResponseWriter, r *request) error {
	var body struct {
		TermsOfServiceAgreed, OnlyReturnExisting bool
	}
	if err := json.Unmarshal(r.payload, &body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status := http.StatusOK
	if s.accounts[r.account] == nil {
		if body.OnlyReturnExisting {
			return &acmeProblem{"accountDoesNotExist", "who?"}
		}
		if !body.TermsOfServiceAgreed {
			return errors.New("terms not agreed to")
		}
		status = http.StatusCreated
		s.accounts[r.account] = r.key
	}
	w.Header().Set("Location", r.account)
	write(w, status, map[string]any{"status": "valid"})
	return nil
}

func (s *acmeServer) order(w http.ResponseWriter, r *request) error {
	var body struct {
		Identifiers []struct{ Type, Value string }
	}
	if err := json.Unmarshal(r.payload, &body); err != nil || len(body.Identifiers) != 1 || body.Identifiers[0].Type != "dns" {
		return fmt.Errorf("order of %s: %w", r.payload, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hold != nil {
		s.mu.Unlock()
		<-s.hold
		s.mu.Lock()
	}
	s.orders = append(s.orders, &acmeOrder{host: body.Identifiers[0].Value, token: rand.Text(), status: "pending"})
	n := len(s.orders) - 1
	w.Header().Set("Location", fmt.Sprintf("%s/order/%d", s.URL, n))
	write(w, http.StatusCreated, s.orderBody(n))
	return nil
}

func (s *acmeServer) orderBody(n int) map[string]any {
	o := s.orders[n]
	body := map[string]any{"status": o.status, "identifiers": []any{map[string]string{"type": "dns", "value": o.host}},
		"authorizations": []string{fmt.Sprintf("%s/authz/%d", s.URL, n)}, "finalize": fmt.Sprintf("%s/finalize/%d", s.URL, n)}
	if o.status == "valid" {
		body["certificate"] = fmt.Sprintf("%s/certificate/%d", s.URL, n)
	}
	return body
}

// find returns the order of a request with its number; mu is held.
func (s *acmeServer) find(r *request) (n int, o *acmeOrder, err error) {
	if _, err := fmt.Sscan(r.PathValue("n"), &n); err != nil || n >= len(s.orders) {
		return 0, nil, errors.New("no such order")
	}
	return n, s.orders[n], nil
}

func (s *acmeServer) showOrder(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, _, err := s.find(r)
	if err == nil {
		w.Header().Set("Location", fmt.Sprintf("%s/order/%d", s.URL, n))
		write(w, http.StatusOK, s.orderBody(n))
	}
	return err
}

func (s *acmeServer) showAuthz(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, o, err := s.find(r)
	if err != nil {
		return err
	}
	status := map[string]string{"pending": "pending", "ready": "valid", "valid": "valid", "invalid": "invalid"}[o.status]
	var challenges []any
	for _, kind := range s.offers {
		c := map[string]any{"type": kind, "status": status, "token": o.token, "url": fmt.Sprintf("%s/challenge/%d/%s", s.URL, n, kind)}
		if o.invalid != nil {
			c["error"] = map[string]any{"type": "urn:ietf:params:acme:error:unauthorized", "detail": o.invalid.Error()}
		}
		challenges = append(challenges, c)
	}
	write(w, http.StatusOK, map[string]any{"status": status, "identifier": map[string]string{"type": "dns", "value": o.host}, "challenges": challenges})
	return nil
}

func (s *acmeServer) challenge(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	_, o, err := s.find(r)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	kind, proof := r.PathValue("kind"), o.token+"."+thumbprint(r.key)
	if kind == "tls-alpn-01" {
		err = s.askTLS(r.Context(), o.host, proof)
	} else {
		err = s.askHTTP(r.Context(), o.host, o.token, proof)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.status, o.invalid = "ready", err; err != nil {
		o.status = "invalid"
	} else {
		s.proofs = append(s.proofs, kind)
	}
	write(w, http.StatusOK, map[string]any{"type": kind, "status": "processing", "token": o.token, "url": s.URL + r.URL.Path})
	return nil
}

// askTLS is RFC 8737, section 3.
func (s *acmeServer) askTLS(ctx context.Context, host, proof string) error {
	d := tls.Dialer{NetDialer: &net.Dialer{Timeout: patience}, Config: &tls.Config{ServerName: host, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}}
	conn, err := d.DialContext(ctx, "tcp", s.tlsAddr)
	if err != nil {
		return err
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	sum := sha256.Sum256([]byte(proof))
	want, _ := asn1.Marshal(sum[:])
	shown := slices.ContainsFunc(leaf.Extensions, func(e pkix.Extension) bool {
		return e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}) && e.Critical && bytes.Equal(e.Value, want)
	})
	if state.NegotiatedProtocol != "acme-tls/1" || !slices.Equal(leaf.DNSNames, []string{host}) || !shown {
		return errors.New("the certificate proves nothing")
	}
	return nil
}

func (s *acmeServer) askHTTP(ctx context.Context, host, token, proof string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+s.httpAddr+"/.well-known/acme-challenge/"+token, nil)
	if err != nil {
		return err
	}
	req.Host = host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if err != nil || strings.TrimSpace(string(text)) != proof {
		return fmt.Errorf("got %s %q, %v", resp.Status, text, err)
	}
	return nil
}

func (s *acmeServer) finalize(w http.ResponseWriter, r *request) error {
	var body struct{ CSR string }
	if err := json.Unmarshal(r.payload, &body); err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(unbase64(body.CSR))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, o, err := s.find(r)
	switch {
	case err != nil:
		return err
	case o.status != "ready" || csr.CheckSignature() != nil || !slices.Equal(csr.DNSNames, []string{o.host}):
		return errors.New("not ready, or another name")
	}
	template := s.ca.template([]func(*x509.Certificate){names(o.host)})
	template.NotAfter = time.Now().Add(s.life)
	der, err := x509.CreateCertificate(rand.Reader, template, s.ca.cert, csr.PublicKey, s.ca.key)
	if err != nil {
		return err
	}
	o.status, o.chain = "valid", slices.Concat(block("CERTIFICATE", der), s.ca.pem)
	w.Header().Set("Location", fmt.Sprintf("%s/order/%d", s.URL, n))
	write(w, http.StatusOK, s.orderBody(n))
	return nil
}

func (s *acmeServer) certificate(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, o, err := s.find(r)
	if err != nil || o.chain == nil {
		return errors.New("no certificate")
	}
	w.Header().Set("Content-Type", "application/pem-certificate-chain")
	w.Write(o.chain)
	return nil
}

// listen serves handshakes at an address until the test ends.
func listen(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	var done sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		done.Wait()
	})
	done.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			conn.SetDeadline(time.Now().Add(patience))
			done.Go(func() { accept(conn, cfg) })
		}
	})
	return ln.Addr().String()
}
