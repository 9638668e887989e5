package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// Authorities count what fails: Let's Encrypt lets five validations of a host fail in
	// an hour. So each failure makes the pause longer.
	firstPause = time.Minute
	pauseGrows = 4
	longPause  = time.Hour
	// autocert answers with the old error for a minute.
	managerForgets = time.Minute + time.Second
)

// acmeKey is what one certificate is ordered for.
type acmeKey struct {
	host string
	rsa  bool
}

// file is its name in the cache of autocert.
func (k acmeKey) file() string {
	if k.rsa {
		return k.host + "+rsa"
	}
	return k.host
}

// hello is a handshake for which autocert takes this certificate. That of a client is
// not kept, as an order outlives it.
func (k acmeKey) hello() *tls.ClientHelloInfo {
	hello := &tls.ClientHelloInfo{ServerName: k.host}
	if !k.rsa {
		hello.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	}
	return hello
}

// acmeOrders stands before autocert, so that handshakes need not wait for it to the
// end, processes do not order the same twice, and failures make it slower.
type acmeOrders struct {
	get    func(acmeKey) (*tls.Certificate, error) // from memory, the cache or the authority
	cached func(acmeKey) bool
	// lock keeps other processes from ordering. waited says that one of them was.
	lock func(acmeKey) (unlock func(), waited bool, err error)
	tell func(host string, err error, again time.Time) // of an order that failed

	mu      sync.Mutex
	flights map[acmeKey]*acmeFlight
	had     map[acmeKey]bool // autocert has it in memory and renews it
	failed  map[acmeKey]time.Time
	pauses  map[string]*acmePause // by host, as authorities count
}

// An acmeFlight is a call of get that several handshakes wait for.
type acmeFlight struct {
	done chan struct{}
	answer
}

type acmePause struct {
	err    error
	length time.Duration
	until  time.Time
}

var errOtherProcess = errors.New("another process has not got it")

// wait returns the certificate, or the error of ctx if that ends first; the order goes
// on then.
func (o *acmeOrders) wait(ctx context.Context, key acmeKey) (*tls.Certificate, error) {
	f := o.join(key)
	select {
	case <-f.done:
		return f.cert, f.err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for it: %w", context.Cause(ctx))
	}
}

func (o *acmeOrders) join(key acmeKey) *acmeFlight {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f := o.flights[key]; f != nil {
		return f
	}
	f := &acmeFlight{done: make(chan struct{})}
	if o.flights == nil {
		o.flights, o.had = map[acmeKey]*acmeFlight{}, map[acmeKey]bool{}
		o.failed, o.pauses = map[acmeKey]time.Time{}, map[string]*acmePause{}
	}
	o.flights[key] = f
	go func() {
		f.cert, f.err = o.fly(key)
		o.mu.Lock()
		delete(o.flights, key)
		o.mu.Unlock()
		close(f.done)
	}()
	return f
}

func (o *acmeOrders) fly(key acmeKey) (*tls.Certificate, error) {
	o.mu.Lock()
	had := o.had[key]
	o.mu.Unlock()
	if had {
		return o.get(key)
	}
	if err := o.paused(key); err != nil {
		return nil, err
	}
	cert, err := o.order(key)
	o.land(key, err)
	return cert, err
}

func (o *acmeOrders) order(key acmeKey) (*tls.Certificate, error) {
	if o.cached(key) {
		return o.get(key)
	}
	unlock, waited, err := o.lock(key)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if waited && !o.cached(key) {
		return nil, errOtherProcess // what fails there fails here
	}
	return o.get(key)
}

// paused returns the last error of a host that shall not be tried again yet.
func (o *acmeOrders) paused(key acmeKey) error {
	now := time.Now()
	o.mu.Lock()
	pause, failed := o.pauses[key.host], o.failed[key]
	o.mu.Unlock()
	switch {
	case pause == nil:
		return nil
	case now.Before(failed.Add(managerForgets)), now.Before(pause.until) && !o.cached(key):
		return pause.err
	}
	return nil
}

// land notes how an order has ended.
func (o *acmeOrders) land(key acmeKey, err error) {
	now := time.Now()
	o.mu.Lock()
	if err == nil {
		o.had[key] = true
		delete(o.failed, key)
		delete(o.pauses, key.host)
		o.mu.Unlock()
		return
	}
	o.failed[key] = now
	pause := o.pauses[key.host]
	switch {
	case pause == nil:
		pause = &acmePause{length: firstPause, until: now.Add(managerForgets)}
	case !now.Before(pause.until):
		length := min(pause.length*pauseGrows, longPause)
		pause = &acmePause{length: length, until: now.Add(length)}
	default: // the other key type, at the same time
		pause = &acmePause{length: pause.length, until: pause.until}
	}
	pause.err = err
	o.pauses[key.host] = pause
	o.mu.Unlock()
	o.tell(key.host, err, pause.until)
}
