package account

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSignUp(t *testing.T) {
	s := New(10)
	if u, err := s.SignUp("octavia", "eight arms"); err != nil || u.Name != "octavia" {
		t.Fatalf("got %v, %v", u, err)
	}
	if _, err := s.SignUp("octavia", "other"); !errors.Is(err, ErrTaken) {
		t.Errorf("second time: got %v, want ErrTaken", err)
	}
	if _, err := s.SignUp("robot", ""); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, user, password string
		want                 error
	}{
		{"right", "octavia", "eight arms", nil},
		{"wrong password", "octavia", "nine arms", ErrRefused},
		{"unknown", "nobody", "eight arms", ErrRefused},
		{"user without password", "robot", "", ErrRefused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, u, err := s.SignIn(tt.user, tt.password)
			if !errors.Is(err, tt.want) || (token != "") != (err == nil) {
				t.Fatalf("got %q, %v, want %v", token, err, tt.want)
			}
			if err == nil && u.Name != tt.user {
				t.Errorf("got user %v", u)
			}
		})
	}
	if s.Count() != 2 {
		t.Errorf("got %d users", s.Count())
	}
}

func TestSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(10)
		s.SignUp("octavia", "eight arms")
		signIn := func() string {
			token, _, err := s.SignIn("octavia", "eight arms")
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		valid := func(token string) bool {
			_, err := s.ByToken(token)
			return err == nil
		}
		first := signIn()
		if !valid(first) || valid("") || valid(first+"x") {
			t.Error("the wrong tokens are valid")
		}
		second := signIn()
		s.SignOut(first)
		s.SignOut("nonsense")
		if valid(first) || !valid(second) {
			t.Error("signing out ended the wrong session")
		}
		for range sessionsPerUser {
			first = signIn()
		}
		if valid(second) || len(s.sessions) != sessionsPerUser {
			t.Errorf("got %d sessions, the oldest valid: %t", len(s.sessions), valid(second))
		}
		time.Sleep(sessionLife)
		if valid(first) {
			t.Error("an expired session is valid")
		}
		if u, err := s.Describe("octavia", "shy"); err != nil || u.About != "shy" {
			t.Errorf("got %v, %v", u, err)
		}
		if u, err := s.Get("octavia"); err != nil || u.About != "shy" {
			t.Errorf("got %v, %v", u, err)
		}
		if _, err := s.Describe("nobody", ""); !errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
	})
}
