// Package account keeps the users of the octopus example and their sessions in
// memory.
package account

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"sync"
	"time"
)

// What callers tell apart.
var (
	ErrTaken   = errors.New("the name is taken")
	ErrUnknown = errors.New("no such user")
	ErrRefused = errors.New("name or password is wrong")
	ErrFull    = errors.New("too many users")
)

const (
	maxUsers        = 10_000
	sessionsPerUser = 8
	sessionLife     = 24 * time.Hour
)

// Cost is how many rounds make it expensive to guess a password.
const Cost = 210_000

// User is what everybody may see of an account.
type User struct {
	Name   string    `json:"name" required:"true" example:"octavia"`
	About  string    `json:"about,omitempty" doc:"what they say of themselves"`
	Joined time.Time `json:"joined" required:"true"`
}

type entry struct {
	User
	salt, hash []byte    // hash is nil for users that cannot sign in
	sessions   []session // oldest first
}

type session struct {
	key     [sha256.Size]byte
	expires time.Time
}

// Store holds all accounts. It is safe for concurrent use.
type Store struct {
	cost     int
	mu       sync.RWMutex
	users    map[string]*entry
	sessions map[[sha256.Size]byte]*entry // by the hash of the token
}

// New returns an empty store. Tests pass a lower cost than [Cost].
func New(cost int) *Store {
	return &Store{cost: cost, users: map[string]*entry{}, sessions: map[[sha256.Size]byte]*entry{}}
}

// Count returns the number of users.
func (s *Store) Count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.users)
}

// SignUp makes an account. Without a password nobody can sign in to it.
func (s *Store) SignUp(name, password string) (User, error) {
	e := &entry{User: User{Name: name, Joined: time.Now().UTC()}}
	if _, err := s.Get(name); err == nil {
		return User{}, ErrTaken // before the expensive part
	}
	if password != "" {
		e.salt = make([]byte, 16)
		rand.Read(e.salt)
		e.hash = s.derive(password, e.salt)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.users[name] != nil:
		return User{}, ErrTaken
	case len(s.users) >= maxUsers:
		return User{}, ErrFull
	}
	s.users[name] = e
	return e.User, nil
}

// SignIn checks the password and returns the token of a new session. A user with
// many sessions loses the oldest.
func (s *Store) SignIn(name, password string) (token string, u User, err error) {
	s.mu.RLock()
	e := s.users[name]
	s.mu.RUnlock()
	// Unknown names take as long as wrong passwords.
	salt, want := make([]byte, 16), []byte(nil)
	if e != nil {
		salt, want = e.salt, e.hash
	}
	if got := s.derive(password, salt); subtle.ConstantTimeCompare(got, want) != 1 {
		return "", User{}, ErrRefused
	}
	token = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(e.sessions) == sessionsPerUser {
		delete(s.sessions, e.sessions[0].key)
		e.sessions = e.sessions[1:]
	}
	key := sha256.Sum256([]byte(token))
	e.sessions = append(e.sessions, session{key, time.Now().Add(sessionLife)})
	s.sessions[key] = e
	return token, e.User, nil
}

// derive makes guessing expensive (RFC 8018).
func (s *Store) derive(password string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha512.New, password, salt, s.cost, sha512.Size)
	if err != nil {
		panic(err) // only for lengths that are out of range
	}
	return key
}

// SignOut ends the session of a token.
func (s *Store) SignOut(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(sha256.Sum256([]byte(token)))
}

func (s *Store) end(key [sha256.Size]byte) {
	e := s.sessions[key]
	if e == nil {
		return
	}
	delete(s.sessions, key)
	for i := range e.sessions {
		if e.sessions[i].key == key {
			e.sessions = append(e.sessions[:i:i], e.sessions[i+1:]...)
			return
		}
	}
}

// ByToken returns the user of a session.
func (s *Store) ByToken(token string) (User, error) {
	key := sha256.Sum256([]byte(token))
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.sessions[key]
	if e == nil {
		return User{}, ErrRefused
	}
	for _, live := range e.sessions {
		if live.key == key && time.Now().Before(live.expires) {
			return e.User, nil
		}
	}
	s.end(key)
	return User{}, ErrRefused
}

// Get returns the user of this name.
func (s *Store) Get(name string) (User, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.users[name]; e != nil {
		return e.User, nil
	}
	return User{}, ErrUnknown
}

// Describe sets what a user says about themselves.
func (s *Store) Describe(name, about string) (User, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.users[name]
	if e == nil {
		return User{}, ErrUnknown
	}
	e.About = about
	return e.User, nil
}
