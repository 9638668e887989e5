package extract

import (
	"bytes"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
)

// MinSecret is the least length of the secret of a [Key] in bytes.
const MinSecret = 32

// MaxKeyID is the greatest length of the ID of a [Key].
const MaxKeyID = 32

// Errors of a [KeyRing].
var (
	// ErrNoActiveKey is returned where something is to be signed or encrypted after
	// the active key was revoked and before [KeyRing.Rotate] gave another.
	ErrNoActiveKey = errors.New("extract: key ring has no active key")
	// ErrUnknownKey is returned for an id that the ring does not have, or no longer.
	ErrUnknownKey = errors.New("extract: key ring has no such key")
)

// Key is one secret of a [KeyRing]. It prints as its ID alone.
type Key struct {
	// ID is sent along with what was made with the key, so that it is found again:
	// 1 to 32 letters, digits, "-" and "_". It is never given to another secret.
	ID string
	// Secret is 32 bytes or more from crypto/rand, not a text that somebody chose.
	// It is copied.
	Secret []byte `json:"-"`
}

// String returns the ID.
func (k Key) String() string { return "key " + k.ID }

// GoString returns the ID.
func (k Key) GoString() string { return k.String() }

// LogValue returns the ID.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// KeyRing is the keys that cookies are signed and encrypted with: one is active and
// makes new values, all of them read old ones. Give it to the routes that use
// [SignedCookies] or [PrivateCookies] with tako.Supply(r, ring). It may be used by
// several goroutines at once.
//
// The zero value has no key: it finds no cookie, and makes none until Rotate.
type KeyRing struct {
	state atomic.Pointer[ringState]
	mu    sync.Mutex // for those who change state
}

// ringState is never changed.
type ringState struct {
	active  *ringKey // nil if it was revoked
	keys    map[string]*ringKey
	revoked map[string]bool
}

// ringKey is a Key with what is derived from it for cookies.
type ringKey struct {
	id      string
	secret  []byte
	signing []byte
	sealing cipher.AEAD
}

// NewKeyRing returns a ring whose first key is the active one; the others only read.
// A ring without a key, a secret that is too short or of equal bytes, and an id that is
// invalid or given twice are errors.
func NewKeyRing(keys ...Key) (*KeyRing, error) {
	if len(keys) == 0 {
		return nil, errors.New("extract: a key ring needs a key")
	}
	state := &ringState{keys: map[string]*ringKey{}, revoked: map[string]bool{}}
	for _, key := range keys {
		made, err := newRingKey(key)
		if err != nil {
			return nil, err
		}
		if state.keys[key.ID] != nil {
			return nil, fmt.Errorf("extract: key ring has two keys with id %q", key.ID)
		}
		state.keys[key.ID] = made
	}
	state.active = state.keys[keys[0].ID]
	ring := new(KeyRing)
	ring.state.Store(state)
	return ring, nil
}

func (r *KeyRing) load() *ringState {
	if state := r.state.Load(); state != nil {
		return state
	}
	return new(ringState)
}

func newRingKey(key Key) (*ringKey, error) {
	if !validKeyID(key.ID) {
		return nil, fmt.Errorf("extract: key id %q is not 1 to %d letters, digits, - and _", key.ID, MaxKeyID)
	}
	if len(key.Secret) < MinSecret {
		return nil, fmt.Errorf("extract: secret of key %q has %d bytes, fewer than %d", key.ID, len(key.Secret), MinSecret)
	}
	if bytes.Count(key.Secret, key.Secret[:1]) == len(key.Secret) {
		return nil, fmt.Errorf("extract: secret of key %q is one byte over and over", key.ID)
	}
	k := &ringKey{id: key.ID, secret: bytes.Clone(key.Secret)}
	var err error
	if k.signing, err = k.derive(PurposeSigning, 32); err != nil {
		return nil, err
	}
	k.sealing, err = newSealing(k)
	return k, err
}

func validKeyID(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return id != "" && len(id) <= MaxKeyID
}

// Active returns the id of the key that makes new values, "" if there is none.
func (r *KeyRing) Active() string {
	if k := r.load().active; k != nil {
		return k.id
	}
	return ""
}

// Rotate makes key the active one; those that were there go on reading. The id must
// be new to the ring: a revoked one is never taken again.
func (r *KeyRing) Rotate(key Key) error {
	made, err := newRingKey(key)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.load().clone()
	if next.keys[key.ID] != nil || next.revoked[key.ID] {
		return fmt.Errorf("extract: key ring has had a key with id %q", key.ID)
	}
	next.keys[key.ID], next.active = made, made
	r.state.Store(next)
	return nil
}

// Revoke takes a key away: from its return on, what was made with it counts as
// absent. Without an active key nothing new can be made until Rotate.
func (r *KeyRing) Revoke(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := r.load().clone()
	if next.keys[id] == nil {
		return fmt.Errorf("revoke %q: %w", id, ErrUnknownKey)
	}
	if next.active == next.keys[id] {
		next.active = nil
	}
	delete(next.keys, id)
	next.revoked[id] = true
	r.state.Store(next)
	return nil
}

func (s *ringState) clone() *ringState {
	next := &ringState{active: s.active, keys: map[string]*ringKey{}, revoked: map[string]bool{}}
	for id, k := range s.keys {
		next.keys[id] = k
	}
	for id := range s.revoked {
		next.revoked[id] = true
	}
	return next
}

func (r *KeyRing) active() (*ringKey, error) {
	if k := r.load().active; k != nil {
		return k, nil
	}
	return nil, ErrNoActiveKey
}

func (r *KeyRing) find(id string) *ringKey { return r.load().keys[id] }
