package runtimetest

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/transport"
)

func reloadCases() []testCase {
	kept := planted("not-reloaded")
	return []testCase{
		{id: "TL-08/replaced", run: replacesCert, faults: []fault{kept}},
		{id: "TL-08/bad-pair", run: badPair, faults: []fault{planted("taken-all-the-same")}},
		{id: "TL-08/under-load", run: reloadsUnderLoad, faults: []fault{kept}},
		{id: "TL-08/files", run: replacesFiles, faults: []fault{kept}},
		{id: "TL-08/bad-files", run: badFiles, faults: []fault{planted("fine")}},
		{id: "TL-08/bad-at-start", run: noCertAtStart, faults: []fault{serverFault("error-swallowed", swallowListen)}},
	}
}

// reload asks the server to read its certificates again.
func (s *server) reload(want error) {
	x := s.x
	x.Helper()
	r, ok := s.raw.(tako.Reloader)
	if !ok {
		x.Fatal("the server is no tako.Reloader")
	}
	if err := r.Reload(context.Background()); !errors.Is(err, want) {
		x.Fatalf("Reload returned %v, want %v", err, want)
	}
}

// leafOf returns the name in the certificate that new clients get.
func (s *server) leafOf() string {
	s.x.Helper()
	config := s.x.clientTLS()
	config.InsecureSkipVerify = true
	state, r, err := s.handshake(config)
	if err != nil || r.status != 200 {
		s.x.Fatalf("got %v and %v", r, err)
	}
	return state.PeerCertificates[0].DNSNames[0]
}

// renewing replaces the certificate by one for this name.
func renewing(x *T, certs *siteCerts, name string) {
	certs.mu.Lock()
	defer certs.mu.Unlock()
	certs.reload = func(c *siteCerts) error {
		if !x.planted("not-reloaded") {
			c.cert = x.target.authority().issue(serverUsage, name, "a.example")
		}
		return nil
	}
}

func replacesCert(x *T) {
	certs := x.certs()
	renewing(x, certs, "renewed.example")
	s := x.serveWith(setup{certs: certs}, who)
	old := s.dial()
	old.get("/who")
	s.reload(nil)
	if got := s.leafOf(); got != "renewed.example" {
		x.Errorf("new handshakes get the certificate of %s", got)
	}
	old.get("/who")
}

var errBadPair = errors.New("the key does not match")

// badPair keeps what there is, and says so.
func badPair(x *T) {
	certs := x.certs()
	certs.reload = func(c *siteCerts) error {
		if x.planted("taken-all-the-same") {
			c.cert = x.target.authority().issue(serverUsage, "wrong.example", "a.example")
		}
		return errBadPair
	}
	s := x.serveWith(setup{certs: certs}, who)
	s.reload(errBadPair)
	if got := s.leafOf(); got != "a.example" {
		x.Errorf("new handshakes get the certificate of %s", got)
	}
	if s.logs.count("certificates") == 0 {
		x.Errorf("the failure is not in the log: %s", s.logs)
	}
}

func reloadsUnderLoad(x *T) {
	certs := x.certs()
	s := x.serveWith(setup{certs: certs}, who)
	done := make(chan error, 4)
	stop := make(chan struct{})
	for range 4 {
		go func() { done <- s.askAll(stop) }()
	}
	for i := range 10 {
		name := "renewed-" + itoa(i) + ".example"
		renewing(x, certs, name)
		s.reload(nil)
		if got := s.leafOf(); got != name {
			x.Errorf("new handshakes get the certificate of %s, want %s", got, name)
		}
	}
	close(stop)
	for range 4 {
		x.wait("the load to end", done, func(err error) {
			if err != nil {
				x.Error(err)
			}
		})
	}
}

// askAll asks on one connection after the other until stop.
func (s *server) askAll(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		c := s.x.clientOn(s.dialRaw(nil))
		for range 3 {
			c.send(request("GET", "/who", ""))
			if r, err := c.tryRead("GET"); err != nil || r.status != 200 {
				_ = c.Close()
				return errors.Join(errors.New("a request failed"), err)
			}
		}
		_ = c.Close()
	}
}

// certFiles puts a certificate into files.
func (x *T) certFiles(dir, name string) (certFile, keyFile string) {
	certPEM, keyPEM := pemOf(x.target.authority().issue(serverUsage, name, "a.example"))
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	x.write(certFile, certPEM)
	x.write(keyFile, keyPEM)
	return certFile, keyFile
}

// replacesFiles has the server see by itself that its files have changed.
func replacesFiles(x *T) {
	dir := x.TempDir()
	s := x.serveWith(setup{certs: transport.CertFiles(x.certFiles(dir, "first.example"))}, who)
	old := s.dial()
	old.get("/who")
	if got := s.leafOf(); got != "first.example" {
		x.Errorf("the certificate is that of %s", got)
	}
	if !x.planted("not-reloaded") {
		x.certFiles(dir, "second.example")
	}
	x.until("new handshakes get the new certificate", func() bool { return s.leafOf() == "second.example" })
	old.get("/who")
}

// badFiles are half written, or do not belong together: the old pair stays.
func badFiles(x *T) {
	dir := x.TempDir()
	certs := transport.CertFiles(x.certFiles(dir, "first.example"))
	s := x.serveWith(setup{certs: certs}, who)
	other, _ := pemOf(x.target.authority().issue(serverUsage, "second.example", "a.example"))
	for _, text := range [][]byte{other, other[:100], nil} {
		before := certs.Stats().Failures
		if x.planted("fine") {
			x.certFiles(dir, "second.example")
		} else {
			x.write(filepath.Join(dir, "cert.pem"), text)
		}
		if err := s.raw.(tako.Reloader).Reload(x.Context()); err == nil {
			x.Errorf("Reload of %d bytes returned nil", len(text))
		}
		if certs.Stats().Failures == before {
			x.Error("the failure is not counted")
		}
		if got := s.leafOf(); got != "first.example" {
			x.Errorf("new handshakes get the certificate of %s", got)
		}
	}
	if !strings.Contains(s.logs.String(), "cert") {
		x.Errorf("the failure is not in the log: %s", s.logs)
	}
}

// noCertAtStart must be an error of Listen.
func noCertAtStart(x *T) {
	s := x.prepare(setup{certs: &siteCerts{}}, nil)
	if err := s.Listen(context.Background()); !errors.Is(err, errNoCert) {
		x.Errorf("Listen without a certificate returned %v", err)
	}
	if s.Addr() != nil {
		x.Errorf("address %v after a failed Listen, want none", s.Addr())
	}
}
