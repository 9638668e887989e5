package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/credentials"
	"github.com/tako-go/tako/takotest"
)

func TestCA08Bearer(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Get(r, "/must", func(_ context.Context, in Bearer) (string, error) {
		if in.Token != "a.b-c_d~e+f/g==" {
			return "", in.Refuse(errors.New("unknown token"))
		}
		return "in", nil
	})
	tako.Get(r, "/may", func(_ context.Context, in struct{ Auth tako.Optional[Bearer] }) (string, error) {
		return fmt.Sprint(in.Auth.Present), nil
	})
	srv := takotest.New(t, r)
	const absent, invalid = `Bearer realm="restricted"`, `Bearer realm="restricted", error="invalid_token"`
	tests := []struct {
		name      string
		lines     []string
		challenge string
		may       int
	}{
		{"missing", nil, absent, 200},
		{"wrong scheme", []string{"Basic x"}, absent, 200},
		{"right", []string{"Bearer a.b-c_d~e+f/g=="}, "", 200},
		{"case", []string{"bEaReR a.b-c_d~e+f/g=="}, "", 200},
		{"wrong", []string{"Bearer x"}, invalid, 200},
		{"nothing", []string{"Bearer"}, invalid, 401},
		{"only padding", []string{"Bearer =="}, invalid, 401},
		{"two", []string{"Bearer a b"}, invalid, 401},
		{"list", []string{"Bearer a, b"}, invalid, 401},
		{"quoted", []string{`Bearer "a"`}, invalid, 401},
		{"not ASCII", []string{"Bearer é"}, invalid, 401},
		{"twice", []string{"Bearer a", "Bearer a"}, invalid, 401},
	}
	for _, tt := range tests {
		got := srv.Get("/must", authorization(tt.lines...))
		if tt.challenge == "" {
			assert.Equal(t, got.StatusCode, 200, tt.name)
		} else {
			e := got.ExpectHeader("WWW-Authenticate", tt.challenge).Problem(401)
			assert.Equal(t, e.Detail, "the credentials are missing or wrong", tt.name)
		}
		assert.Equal(t, srv.Get("/may", authorization(tt.lines...)).StatusCode, tt.may, tt.name)
	}
}

// endless fails the test if somebody reads it.
type endless struct{ t *testing.T }

func (e endless) Read([]byte) (int, error) {
	e.t.Error("the body was read before the credentials were")
	return 0, io.ErrUnexpectedEOF
}

func TestCA16CredentialsComeBeforeTheBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Supply(r, newRing(t, "k"))
	tako.Post(r, "/basic", textOf[struct {
		Body map[string]any
		Auth Basic
	}])
	tako.Post(r, "/bearer", textOf[struct {
		Body []byte
		Auth BearerFor[oddRealm]
	}])
	tako.Post(r, "/key", textOf[struct {
		Page int `query:"page"`
		In   tako.JSON[map[string]any]
		Auth APIKey
	}])
	srv := takotest.New(t, r)
	for _, path := range []string{"/basic", "/bearer", "/key?page=x"} {
		srv.Post(path, func(req *http.Request) {
			req.Header.Set("Content-Type", "application/json")
			req.Body, req.ContentLength = io.NopCloser(endless{t}), 1<<30
		}).Expect(401)
	}
}

func TestBearerInTypedCalls(t *testing.T) {
	t.Parallel()
	r := tako.New()
	type input struct{ Auth BearerFor[oddRealm] }
	route := tako.Get(r, "/", func(_ context.Context, in input) (string, error) { return in.Auth.Token, nil })
	srv := takotest.New(t, r)
	got, err := route.Do(t.Context(), srv, input{BearerFor[oddRealm]{Bearer{"a.b"}}})
	assert.NoError(t, err)
	assert.Equal(t, got, "a.b")
	_, err = route.Do(t.Context(), srv, input{})
	assert.Equal(t, tako.AsError(err).Status, 401)
	if _, err = route.Request(t.Context(), input{BearerFor[oddRealm]{Bearer{"a b"}}}); err == nil {
		t.Error("a malformed token was sent")
	}
	assert.Equal(t, route.Operation().Security, []tako.Requirement{{Scheme: tako.SecurityScheme{Name: "bearer", Type: "http", Scheme: "bearer"}}})
}

func FuzzBearer(f *testing.F) {
	for _, s := range []string{"", "Bearer a", "bearer a.b==", "Bearer", "Basic x", "Bearer a b", "Bearer \x00"} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, line string, twice bool) {
		header := func(yield func(string, string) bool) {
			if yield("Authorization", line) && twice {
				yield("Authorization", line)
			}
		}
		token, err := credentials.Find(header, "Bearer")
		if err != nil {
			return
		}
		if twice || !strings.EqualFold(strings.TrimLeft(line, " \t")[:6], "bearer") {
			t.Errorf("%q has token %q", line, token)
		}
		if credentials.IsToken68(token) && strings.ContainsAny(token, " \t\r\n,\"\x00") {
			t.Errorf("%q is a token", token)
		}
	})
}
