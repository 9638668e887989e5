package transport

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Tickets configures how sessions are resumed. The zero value makes its own keys and
// changes them; they are in memory only, so another process resumes nothing.
type Tickets struct {
	// Off gives no tickets: each connection has a full handshake.
	Off bool
	// Rotate is how long new tickets are encrypted with the same key.
	// Default: 6 h.
	Rotate time.Duration
	// Keep is how many keys decrypt tickets, the current one included. A ticket older
	// than Keep times Rotate is not resumed.
	// Default: 4; up to 64.
	Keep int
	// Keys are keys that several machines share. The first encrypts, all decrypt; they
	// are replaced by [Certs.SetTicketKeys] and not rotated. Whoever has them can read
	// recorded sessions of TLS 1.2.
	Keys [][32]byte
}

const maxTicketKeys = 64

// ticketKeys encrypts and decrypts tickets. Without shared keys it rotates its own
// when it is used, which needs no goroutine.
type ticketKeys struct {
	off    bool
	rotate time.Duration
	keep   int

	mu     sync.Mutex
	shared bool
	own    []ticketKey // the newest first
	holder *tls.Config // of crypto/tls only the keys are used
}

type ticketKey struct {
	key  [32]byte
	made time.Time
}

func newTicketKeys(t Tickets) (*ticketKeys, error) {
	k := &ticketKeys{off: t.Off, rotate: t.Rotate, keep: t.Keep, holder: &tls.Config{}}
	if k.rotate == 0 {
		k.rotate = 6 * time.Hour
	}
	if k.keep == 0 {
		k.keep = 4
	}
	switch {
	case k.rotate < time.Second:
		return k, fmt.Errorf("transport: Tickets.Rotate is %v: it must be a second at least", t.Rotate)
	case k.keep < 1 || k.keep > maxTicketKeys:
		return k, fmt.Errorf("transport: Tickets.Keep is %d: it must be 1 to %d", t.Keep, maxTicketKeys)
	case t.Off && len(t.Keys) > 0:
		return k, errors.New("transport: Tickets has both Off and Keys")
	case len(t.Keys) > 0:
		return k, k.set(t.Keys)
	}
	return k, nil
}

func (k *ticketKeys) set(keys [][32]byte) error {
	switch {
	case k.off:
		return errors.New("transport: session tickets are off")
	case len(keys) == 0 || len(keys) > maxTicketKeys:
		return fmt.Errorf("transport: %d ticket keys: there must be 1 to %d", len(keys), maxTicketKeys)
	}
	for _, key := range keys {
		if key == [32]byte{} {
			return errors.New("transport: a ticket key is all zero")
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.shared, k.own = true, nil
	k.holder.SetSessionTicketKeys(keys)
	return nil
}

// turn returns the keys of this moment.
func (k *ticketKeys) turn(now time.Time) *tls.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.shared {
		return k.holder
	}
	kept := len(k.own)
	for kept > 0 && now.Sub(k.own[kept-1].made) >= time.Duration(k.keep)*k.rotate {
		kept--
	}
	fresh := kept > 0 && now.Sub(k.own[0].made) < k.rotate
	if fresh && kept == len(k.own) {
		return k.holder
	}
	next := make([]ticketKey, 0, k.keep+1)
	if !fresh {
		key := ticketKey{made: now}
		rand.Read(key.key[:]) // never fails
		next = append(next, key)
	}
	next = append(next, k.own[:kept]...)
	k.own = next[:min(len(next), k.keep)]
	keys := make([][32]byte, len(k.own))
	for i := range k.own {
		keys[i] = k.own[i].key
	}
	k.holder.SetSessionTicketKeys(keys)
	return k.holder
}

// install makes cfg use the keys for sessions with this label only.
func (k *ticketKeys) install(cfg *tls.Config, label [16]byte) {
	if k.off {
		cfg.SessionTicketsDisabled = true
		return
	}
	mark := "tako" + string(label[:])
	cfg.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		ss.Extra = append(ss.Extra, []byte(mark))
		return k.turn(time.Now()).EncryptTicket(cs, ss)
	}
	cfg.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := k.turn(time.Now()).DecryptTicket(identity, cs)
		if err != nil || ss == nil {
			return nil, nil // a full handshake then
		}
		for _, extra := range ss.Extra {
			if string(extra) == mark {
				return ss, nil
			}
		}
		return nil, nil
	}
}
