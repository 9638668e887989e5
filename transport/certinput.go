package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxFile bounds what is read of one file.
const maxFile = 16 << 20

// input is the text of all certificates and authorities as it was at one time.
type input struct {
	certs []pemPair // as CertConfig.Certs; empty for those that are not files or text
	auths map[*ClientAuth][]byte
	sum   [32]byte
}

type pemPair struct{ cert, key []byte }

// read reads everything that may change.
func (cfg *CertConfig) read() (*input, error) {
	in := &input{certs: make([]pemPair, len(cfg.Certs)), auths: map[*ClientAuth][]byte{}}
	hash := sha256.New()
	add := func(text []byte) {
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		hash.Write(text)
	}
	for _, auth := range cfg.auths() {
		if _, done := in.auths[auth]; done {
			continue
		}
		text, err := auth.read()
		if err != nil {
			return nil, fmt.Errorf("transport: client authorities: %w", err)
		}
		in.auths[auth] = text
		add(text)
	}
	for i := range cfg.Certs {
		pair, err := cfg.Certs[i].read()
		if err != nil {
			return nil, fmt.Errorf("transport: certificate: %w", err)
		}
		in.certs[i] = pair
		add(pair.cert)
		add(pair.key)
	}
	hash.Sum(in.sum[:0])
	return in, nil
}

// auths returns what may be asked of clients: the default first, then what
// certificates have of their own.
func (cfg *CertConfig) auths() []*ClientAuth {
	all := []*ClientAuth{&cfg.ClientAuth}
	for i := range cfg.Certs {
		if own := cfg.Certs[i].ClientAuth; own != nil {
			all = append(all, own)
		}
	}
	return all
}

func (cert *Cert) read() (pair pemPair, err error) {
	pair = pemPair{cert: cert.CertPEM, key: cert.KeyPEM}
	if cert.CertFile != "" {
		if pair.cert, err = readFile(cert.FS, cert.CertFile); err != nil {
			return pair, err
		}
		if cert.KeyFile != "" {
			if pair.key, err = readFile(cert.FS, cert.KeyFile); err != nil {
				return pair, err
			}
		}
	}
	if len(pair.key) == 0 {
		pair.key = pair.cert
	}
	return pair, nil
}

func (a *ClientAuth) read() (text []byte, err error) {
	if len(a.CAPEM) > 0 && !hasPEM(a.CAPEM) {
		return nil, fmt.Errorf("CAPEM: %w", errNoCAs)
	}
	text = bytes.Clone(a.CAPEM)
	if a.CAFile != "" {
		file, err := readFile(a.FS, a.CAFile)
		if err != nil {
			return nil, err
		}
		// Other authorities must not stand in for those that have gone out of a file.
		if !hasPEM(file) {
			return nil, fmt.Errorf("%s: %w", a.CAFile, errNoCAs)
		}
		text = append(append(text, '\n'), file...)
	}
	return text, nil
}

var errNoCAs = errors.New("there is no certificate in it")

func hasPEM(text []byte) bool { return bytes.Contains(text, []byte("-----BEGIN ")) }

func readFile(fsys fs.FS, name string) ([]byte, error) {
	var file fs.File
	var err error
	if fsys != nil {
		file, err = fsys.Open(name)
	} else {
		file, err = os.Open(name)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, maxFile)
	}
	return text, nil
}

// name says which certificate an error is about.
func (cert *Cert) name() string {
	switch {
	case cert.CertFile != "":
		return cert.CertFile
	case len(cert.Hosts) > 0:
		return cert.Hosts[0]
	}
	return "in memory"
}

// parse makes a certificate of the text. A chain that breaks off is an error, though
// its first certificates could be used.
func (pair pemPair) parse() (*tls.Certificate, error) {
	if len(pair.cert) == 0 {
		return nil, errors.New("the file is empty")
	}
	if err := wholePEM(pair.cert); err != nil {
		return nil, err
	}
	cert, err := tls.X509KeyPair(pair.cert, pair.key)
	if err != nil {
		return nil, err
	}
	if cert.Leaf == nil { // GODEBUG=x509keypairleaf=0
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, err
		}
	}
	for _, der := range cert.Certificate[1:] {
		if _, err := x509.ParseCertificate(der); err != nil {
			return nil, fmt.Errorf("in the chain: %w", err)
		}
	}
	return &cert, nil
}

var errCutPEM = errors.New("a PEM block breaks off or is malformed")

// wholePEM finds blocks that pem.Decode would pass over.
func wholePEM(text []byte) error {
	begun := bytes.Count(text, []byte("-----BEGIN "))
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		begun, text = begun-1, rest
	}
	if begun != 0 {
		return errCutPEM
	}
	return nil
}

// parseCAs returns the certificates in text.
func parseCAs(text []byte) ([]*x509.Certificate, error) {
	if err := wholePEM(text); err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return all, nil
		}
		if text = rest; block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a PEM block is %s, not CERTIFICATE", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, cert)
	}
}
