package transport

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"time"
)

const (
	lockWait  = 6 * time.Minute // autocert gives an order five
	lockAgain = 100 * time.Millisecond
)

var errLocked = errors.New("another process keeps it locked")

// cached reports whether the directory has a certificate that can be used now.
func (a *ACME) cached(key acmeKey) bool {
	text, err := os.ReadFile(filepath.Join(a.CacheDir, key.file()))
	if err != nil {
		return false
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		now := time.Now()
		return err == nil && !now.Before(leaf.NotBefore) && !now.After(leaf.NotAfter) && leaf.VerifyHostname(key.host) == nil
	}
	return false
}

// accountFile is the account's key in the cache of autocert.
const accountFile = "acme_account+key"

// lock takes the lock of a certificate and, for the first order of all, that of the
// account, which two processes would make twice otherwise. Where files cannot be locked
// the order goes on without.
func (a *ACME) lock(key acmeKey) (unlock func(), waited bool, err error) {
	if err := os.MkdirAll(a.CacheDir, 0o700); err != nil {
		return nil, false, err
	}
	held, waited, err := a.lockFile(key.file() + "+lock")
	if err != nil {
		return nil, waited, err
	}
	if _, err := os.Stat(filepath.Join(a.CacheDir, accountFile)); err == nil {
		return held, waited, nil
	}
	account, _, err := a.lockFile("acme_account+lock")
	if err != nil {
		held()
		return nil, waited, err
	}
	return func() { account(); held() }, waited, nil
}

func (a *ACME) lockFile(name string) (unlock func(), waited bool, err error) {
	file, err := os.OpenFile(filepath.Join(a.CacheDir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, err
	}
	for end := time.Now().Add(lockWait); ; waited = true {
		locked, err := tryLock(file)
		if err != nil {
			if log := a.log.Load(); log != nil {
				log.Warn("a certificate is ordered without a lock: other processes may order it too", "file", file.Name(), "err", err)
			}
			locked = true
		}
		if locked {
			return func() { file.Close() }, waited, nil
		}
		if time.Now().After(end) {
			file.Close()
			return nil, true, errLocked
		}
		<-time.After(lockAgain)
	}
}
