package jwt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Defaults of [KeySetConfig].
const (
	// DefaultRefresh is how old keys may be before they are fetched again.
	DefaultRefresh = 15 * time.Minute
	// DefaultMinInterval is the least time between two fetches.
	DefaultMinInterval = 30 * time.Second
	// DefaultKeepFor is how long keys are used while no newer ones can be had.
	DefaultKeepFor = 24 * time.Hour
	// DefaultFetchTimeout is how long a fetch may take.
	DefaultFetchTimeout = 10 * time.Second
	// DefaultMaxResponse is how many bytes a set may have.
	DefaultMaxResponse = 1 << 20
	// maxSetKeys is how many keys of a set are kept.
	maxSetKeys = 100
	// unknownWait is how long a token with an unknown id is held while other keys are there.
	unknownWait = 2 * time.Second
)

// KeySetConfig is how a [KeySet] is fetched.
type KeySetConfig struct {
	// Client makes the requests; one without cookies if nil. Redirections to plain http
	// are not followed, unless AllowHTTP.
	Client *http.Client
	// Algorithms are those that keys may be for; all but HS if empty. A key that names
	// none is for the one of its curve, or RS256.
	Algorithms []string
	// Refresh is how old keys may be before they are fetched again, while requests go on
	// with them; DefaultRefresh if zero.
	Refresh time.Duration
	// MinInterval is the least time between two fetches, whatever asks for them:
	// unknown ids, age, or failures; DefaultMinInterval if zero.
	MinInterval time.Duration
	// KeepFor is how long keys are used while no newer ones can be had; DefaultKeepFor if
	// zero. It is at least Refresh.
	KeepFor time.Duration
	// FetchTimeout is how long a fetch may take; DefaultFetchTimeout if zero.
	FetchTimeout time.Duration
	// MaxResponse is how many bytes a set may have; DefaultMaxResponse if zero.
	MaxResponse int64
	// AllowHTTP accepts a URL in clear text, for tests and for a helper on this host.
	AllowHTTP bool
	// Clock tells the time; time.Now if nil.
	Clock func() time.Time
	// OnError is called with the reason when a fetch has failed, by the goroutine that
	// fetched; nothing if nil.
	OnError func(error)
}

// KeySet is the public keys that an issuer serves as a JSON Web Key Set (RFC 7517). They
// are fetched when first needed, by one request for all that wait, and again when they are
// old or a token names an id that is unknown; never from where a token says. It may be
// used by several goroutines at once, and by several verifiers.
type KeySet struct {
	url    string
	config KeySetConfig
	ctx    context.Context
	cancel context.CancelFunc
	wait   time.Duration // unknownWait but in tests

	mu      sync.Mutex
	keys    map[string]*verifyKey // replaced as a whole
	fetched time.Time             // when keys were asked for
	tried   time.Time             // when the last fetch began
	flight  *flight               // nil while none is under way
}

// flight is a fetch that is under way.
type flight struct {
	done chan struct{} // closed when it has ended
	err  error         // set before
}

// NewKeySet returns a set that is fetched from an https URL. It fetches nothing yet: see
// [KeySet.Fetch]. Close it when it is used no more.
func NewKeySet(address string, config KeySetConfig) (*KeySet, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("jwt: key set: %w", err)
	}
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && config.AllowHTTP) {
		return nil, fmt.Errorf("jwt: the address of a key set is not https: %s", u.Redacted())
	}
	config.Algorithms = slices.Clone(config.Algorithms)
	for _, algorithm := range config.Algorithms {
		if _, err := methodOf(algorithm); err != nil {
			return nil, err
		}
		if algorithm == HS256 || algorithm == HS384 || algorithm == HS512 {
			return nil, fmt.Errorf("jwt: a public key set has no keys for %s", algorithm)
		}
	}
	config.withDefaults()
	if config.Refresh < 0 || config.MinInterval < 0 || config.KeepFor < 0 || config.FetchTimeout < 0 || config.MaxResponse < 0 {
		return nil, errors.New("jwt: key set: a limit is negative")
	}
	config.KeepFor = max(config.KeepFor, config.Refresh)
	config.MaxResponse = min(config.MaxResponse, 1<<30)
	config.Client = guarded(config.Client, config.AllowHTTP)
	ctx, cancel := context.WithCancel(context.Background())
	return &KeySet{url: address, config: config, ctx: ctx, cancel: cancel, wait: unknownWait}, nil
}

func (c *KeySetConfig) withDefaults() {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&c.Refresh, DefaultRefresh)
	set(&c.MinInterval, DefaultMinInterval)
	set(&c.KeepFor, DefaultKeepFor)
	set(&c.FetchTimeout, DefaultFetchTimeout)
	if c.MaxResponse == 0 {
		c.MaxResponse = DefaultMaxResponse
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
}

// Close ends a fetch that is under way. Keys that are there go on to be used until they
// are too old.
func (s *KeySet) Close() error {
	s.cancel()
	s.mu.Lock()
	f := s.flight
	s.mu.Unlock()
	if f != nil {
		<-f.done
	}
	return nil
}

// Fetch fetches the keys now, or waits for a fetch that is under way, so that a program can
// begin with keys, or find out that its address is wrong. It does not wait for MinInterval.
func (s *KeySet) Fetch(ctx context.Context) error {
	s.mu.Lock()
	f := s.flight
	if f == nil {
		f = s.start(s.config.Clock())
	}
	s.mu.Unlock()
	return f.wait(ctx)
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// find returns the key with an id.
func (s *KeySet) find(ctx context.Context, id string) (*verifyKey, error) {
	return s.lookup(ctx, func(keys map[string]*verifyKey) *verifyKey { return keys[id] })
}

// only returns the key of a set that has one.
func (s *KeySet) only(ctx context.Context) (*verifyKey, error) {
	return s.lookup(ctx, func(keys map[string]*verifyKey) *verifyKey {
		if len(keys) != 1 {
			return nil
		}
		for _, key := range keys {
			return key
		}
		return nil
	})
}

// lookup picks a key. It waits for a fetch only if there is no key without it.
func (s *KeySet) lookup(ctx context.Context, pick func(map[string]*verifyKey) *verifyKey) (*verifyKey, error) {
	s.mu.Lock()
	now := s.config.Clock()
	key, usable := s.pick(now, pick)
	f := s.flight
	old := !usable || now.Sub(s.fetched) >= s.config.Refresh
	if f == nil && (key == nil || old) && s.mayFetch(now) {
		f = s.start(now)
	}
	s.mu.Unlock()
	if key == nil && f != nil {
		if err := s.waitFor(ctx, f, usable); err != nil {
			return nil, err
		}
		s.mu.Lock()
		key, usable = s.pick(s.config.Clock(), pick)
		s.mu.Unlock()
	}
	switch {
	case key != nil:
		return key, nil
	case !usable:
		return nil, ErrNoKeys
	}
	return nil, errUnknownKey
}

// waitFor waits for a fetch to end. Anybody can make up an id: while there are keys for
// the others, the wait is short.
func (s *KeySet) waitFor(ctx context.Context, f *flight, usable bool) error {
	wait := ctx
	if usable {
		bounded, cancel := context.WithTimeout(ctx, s.wait)
		defer cancel()
		wait = bounded
	}
	if err := f.wait(wait); ctx.Err() != nil {
		return err
	}
	return nil
}

// pick is called with mu held. usable is false if there are no keys, or too old ones.
func (s *KeySet) pick(now time.Time, pick func(map[string]*verifyKey) *verifyKey) (key *verifyKey, usable bool) {
	if s.keys == nil || now.Sub(s.fetched) >= s.config.KeepFor {
		return nil, false
	}
	return pick(s.keys), true
}

// mayFetch is called with mu held. A clock that was set back does not stop fetches.
func (s *KeySet) mayFetch(now time.Time) bool {
	since := now.Sub(s.tried)
	return s.ctx.Err() == nil && (s.tried.IsZero() || since >= s.config.MinInterval || since < 0)
}

// start begins a fetch, with mu held, on a goroutine that does not end with the request
// that happened to be first.
func (s *KeySet) start(now time.Time) *flight {
	f := &flight{done: make(chan struct{})}
	s.flight, s.tried = f, now
	go func() {
		ctx, cancel := context.WithTimeout(s.ctx, s.config.FetchTimeout)
		defer cancel()
		keys, err := s.fetch(ctx)
		if err != nil {
			f.err = fmt.Errorf("%w: %w", ErrNoKeys, err)
		}
		s.mu.Lock()
		if err == nil {
			s.keys, s.fetched = keys, now
		}
		s.flight = nil
		s.mu.Unlock()
		if err != nil && s.config.OnError != nil {
			s.config.OnError(f.err)
		}
		close(f.done)
	}()
	return f
}
