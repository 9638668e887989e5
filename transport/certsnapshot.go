package transport

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// A snapshot is what one input says. It does not change; handshakes that began with it
// end with it.
type snapshot struct {
	input   *input
	entries []entry // as CertConfig.Certs
	hosts   hostTable
	rules   int // how many there are
	expires time.Time
}

// An entry is a Cert that was read.
type entry struct {
	rule *rule
	cert *tls.Certificate // nil for get
	get  func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	base *tls.Config // without protocols

	names  []string // in their normal form, sorted
	stated bool     // names are those of the configuration
}

// aeadSuites are what TLS 1.2 may use: forward secrecy and authenticated encryption, as
// RFC 9325 asks and RFC 9113 allows. Those of TLS 1.3 cannot be chosen.
func aeadSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

func (cfg *CertConfig) minVersion() uint16 { return max(cfg.MinVersion, tls.VersionTLS12) }

func newSnapshot(cfg *CertConfig, in *input, keys *ticketKeys) (*snapshot, error) {
	s := &snapshot{input: in, entries: make([]entry, len(cfg.Certs)),
		hosts: hostTable{stated: map[string][]int{}, derived: map[string][]int{}}}
	rules := map[*ClientAuth]*rule{}
	for _, auth := range cfg.auths() {
		if rules[auth] != nil {
			continue
		}
		r, err := auth.rule(in.auths[auth])
		if err != nil {
			return nil, fmt.Errorf("transport: client authorities: %w", err)
		}
		rules[auth] = r
	}
	used := map[*rule]bool{}
	for i := range cfg.Certs {
		cert := &cfg.Certs[i]
		auth := cert.ClientAuth
		if auth == nil {
			auth = &cfg.ClientAuth
		}
		if err := s.add(i, cert, rules[auth]); err != nil {
			return nil, fmt.Errorf("transport: certificate %s: %w", cert.name(), err)
		}
		used[rules[auth]] = true
		e := &s.entries[i]
		e.base = &tls.Config{MinVersion: cfg.minVersion(), CipherSuites: aeadSuites(),
			ClientAuth: e.rule.mode, ClientCAs: e.rule.pool, VerifyConnection: e.rule.verify}
		if e.cert != nil {
			e.base.Certificates = []tls.Certificate{*e.cert}
		} else {
			e.base.GetCertificate = e.get
		}
		keys.install(e.base, e.label())
	}
	s.rules = len(used)
	return s, s.pickOthers(cfg.Strict)
}

// pickOthers makes the first certificate, with those for the same names, that of other
// handshakes. One that no handshake could get is a mistake.
func (s *snapshot) pickOthers(strict bool) error {
	first := &s.entries[0]
	for i := range s.entries {
		e := &s.entries[i]
		if e.stated == first.stated && slices.Equal(e.names, first.names) {
			s.hosts.others = append(s.hosts.others, i)
		} else if len(e.names) == 0 {
			return fmt.Errorf("transport: CertConfig.Certs[%d]: no client gets it: there are no DNS names in the certificate and no Hosts", i)
		}
		if strict && len(e.names) == 0 {
			return fmt.Errorf("transport: CertConfig.Certs[%d]: with Strict no client gets it: there are no DNS names in the certificate and no Hosts", i)
		}
	}
	return nil
}

// add reads one certificate into its place, and its names into the table.
func (s *snapshot) add(i int, cert *Cert, r *rule) error {
	e := &s.entries[i]
	e.rule = r
	names, table := cert.hosts(), s.hosts.stated
	e.stated = len(names) > 0
	switch {
	case cert.ACME != nil:
		e.get = cert.ACME.get
	case cert.Get != nil:
		e.get = cert.Get
	default:
		parsed, err := s.input.certs[i].parse()
		if err != nil {
			return err
		}
		e.cert = parsed
		if s.expires.IsZero() || parsed.Leaf.NotAfter.Before(s.expires) {
			s.expires = parsed.Leaf.NotAfter
		}
		if !e.stated {
			names, table = parsed.Leaf.DNSNames, s.hosts.derived
		}
	}
	for _, name := range names {
		name = normalHost(name)
		if !slices.Contains(table[name], i) {
			table[name] = append(table[name], i)
			e.names = append(e.names, name)
		}
	}
	slices.Sort(e.names)
	return nil
}

// label binds sessions to the stated hosts and the rule of the entry.
func (e *entry) label() (label [16]byte) {
	var names []string
	if e.stated {
		names = e.names
	}
	text := append([]byte(strings.Join(names, " ")+"\n"), e.rule.label[:]...)
	sum := sha256.Sum256(text)
	copy(label[:], sum[:])
	return label
}

// choose returns the position of the certificate for a handshake, -1 for none.
func (s *snapshot) choose(hello *tls.ClientHelloInfo, strict bool) int {
	certs, known := s.hosts.find(hello.ServerName)
	if !known && strict {
		return -1
	}
	if len(certs) > 1 {
		asked := *hello
		asked.ServerName = "" // which names a certificate is for is the configuration's to say
		for _, i := range certs {
			if cert := s.entries[i].cert; cert == nil || asked.SupportsCertificate(cert) == nil {
				return i
			}
		}
	}
	return certs[0]
}

// warn tells of certificates that clients will not accept.
func (s *snapshot) warn(log *slog.Logger, now time.Time) {
	for _, e := range s.entries {
		if e.cert == nil {
			continue
		}
		if leaf := e.cert.Leaf; now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
			log.Warn("a certificate is not valid now", "names", leaf.DNSNames, "from", leaf.NotBefore, "to", leaf.NotAfter)
		}
	}
}

// rule reads the authorities.
func (a *ClientAuth) rule(text []byte) (*rule, error) {
	r := &rule{match: a.Match}
	if !a.asks() {
		return r, nil
	}
	cas, err := parseCAs(text)
	if err != nil {
		return nil, err
	}
	r.mode = tls.RequireAndVerifyClientCert
	if a.Optional {
		r.mode = tls.VerifyClientCertIfGiven
	}
	r.pool = x509.NewCertPool()
	if a.CAs != nil {
		r.pool = a.CAs.Clone()
	}
	for _, ca := range cas {
		r.pool.AddCert(ca)
	}
	r.label = a.label(cas)
	return r, nil
}

// label is the same for the same authorities and names in any order, on any machine.
// What is in a pool cannot be told, so sessions of its clients are not resumed after a
// reload.
func (a *ClientAuth) label(cas []*x509.Certificate) (label [16]byte) {
	if a.CAs != nil {
		rand.Read(label[:]) // never fails
		return label
	}
	sums := make([]string, len(cas))
	for i, ca := range cas {
		sum := sha256.Sum256(ca.Raw)
		sums[i] = string(sum[:])
	}
	hash := sha256.New()
	for _, list := range [][]string{sums, a.Match.DNS, a.Match.URIs, a.Match.Emails} {
		list = slices.Compact(slices.Sorted(slices.Values(list)))
		fmt.Fprintf(hash, "%t %q\n", a.Optional, list)
	}
	copy(label[:], hash.Sum(nil))
	return label
}
