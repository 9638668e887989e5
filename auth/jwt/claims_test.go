package jwt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type member struct {
	Role string `json:"role"`
}

// Validate refuses a role that there is not.
func (m member) Validate(context.Context) error {
	if m.Role == "nobody" {
		return errors.New("no such role")
	}
	return nil
}

func authorization(lines ...string) takotest.Edit {
	return func(req *http.Request) { req.Header["Authorization"] = lines }
}

// claimsApp has the ways to take claims, and a list of the errors that were answered.
func claimsApp(t *testing.T, v *Verifier) (*takotest.Server, *[]error) {
	t.Helper()
	r := tako.New()
	r.Log(slog.New(slog.DiscardHandler))
	tako.Supply(r, v)
	causes := new([]error)
	r.OnError(func(_ *tako.Context, err error) error {
		*causes = append(*causes, err)
		return err
	})
	tako.Get(r, "/must", func(_ context.Context, in Claims[member]) (string, error) { return in.Value.Role, nil })
	tako.Get(r, "/may", func(_ context.Context, in struct{ Auth tako.Optional[Claims[member]] }) (string, error) {
		return in.Auth.Value.Value.Role, nil
	})
	r.Get("/hand", func(c *tako.Context) error {
		in, err := tako.Extract[Claims[member]](c)
		if err != nil {
			return err
		}
		return c.JSON(200, in.Value.Role)
	})
	return takotest.New(t, r), causes
}

func TestCA15Answers(t *testing.T) {
	t.Parallel()
	v := verifier(t, func(c *Config) { c.Realm = `my "api"` })
	srv, causes := claimsApp(t, v)
	key := testKey(ES256)
	good := sign(t, key, claims(map[string]any{"role": "admin"}))
	const absent = `Bearer realm="my \"api\""`
	const invalidToken = absent + `, error="invalid_token"`
	tests := []struct {
		name      string
		lines     []string
		challenge string // "" is fine
		may       int
	}{
		{"missing", nil, absent, 200},
		{"other scheme", []string{"Basic x"}, absent, 200},
		{"good", []string{"Bearer " + good}, "", 200},
		{"case", []string{"bEaReR " + good}, "", 200},
		{"twice", []string{"Bearer " + good, "Bearer " + good}, invalidToken, 401},
		{"nothing", []string{"Bearer"}, invalidToken, 401},
		{"list", []string{"Bearer " + good + ", x"}, invalidToken, 401},
		{"text", []string{"Bearer hidden"}, invalidToken, 401},
		{"altered", []string{"Bearer " + good[:len(good)-3] + "AAA"}, invalidToken, 401},
		{"expired", []string{"Bearer " + sign(t, key, map[string]any{"exp": 1, "role": "hidden"})}, invalidToken, 401},
		{"no exp", []string{"Bearer " + sign(t, key, map[string]any{"role": "hidden"})}, invalidToken, 401},
		{"refused by itself", []string{"Bearer " + sign(t, key, claims(map[string]any{"role": "nobody"}))}, invalidToken, 401},
		{"another type", []string{"Bearer " + sign(t, key, claims(map[string]any{"role": 7}))}, invalidToken, 401},
		{"1 MB", []string{"Bearer " + strings.Repeat("A", 1<<20)}, invalidToken, 401},
	}
	bodies := map[string]bool{}
	for _, tt := range tests {
		for _, path := range []string{"/must", "/hand"} {
			got := srv.Get(path, authorization(tt.lines...))
			if tt.challenge == "" {
				assert.Equal(t, strings.TrimSpace(got.Expect(200).Text), `"admin"`, tt.name)
				continue
			}
			got.ExpectHeader("WWW-Authenticate", tt.challenge).Expect(401)
			bodies[got.Text] = true
		}
		got := srv.Get("/may", authorization(tt.lines...))
		assert.Equal(t, got.StatusCode, tt.may, tt.name, " optional")
	}
	assert.Equal(t, len(bodies), 1, fmt.Sprint("one body for all: ", bodies))
	for _, err := range *causes {
		if e := tako.AsError(err); e.Err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), good) {
			t.Errorf("cause %q", err)
		}
	}
}

func TestCA13VerifierIsNeededAtBuild(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Get(r, "/", func(context.Context, Claims[member]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	if err := r.Build(); err == nil || !strings.Contains(err.Error(), "jwt.Verifier") {
		t.Errorf("got %v, want a mistake that names the verifier", err)
	}
	optional := tako.New()
	tako.Get(optional, "/", func(context.Context, tako.Optional[Claims[member]]) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	if err := optional.Build(); err == nil {
		t.Error("optional claims were built without a verifier")
	}
	hand := tako.New()
	hand.Log(slog.New(slog.DiscardHandler))
	hand.Get("/", func(c *tako.Context) error {
		_, err := tako.Extract[Claims[member]](c)
		return err
	})
	takotest.New(t, hand).Get("/", authorization("Bearer x")).Expect(500)
	none := tako.New()
	none.Log(slog.New(slog.DiscardHandler))
	tako.Supply[*Verifier](none, nil)
	tako.Get(none, "/", func(context.Context, Claims[member]) (tako.NoContent, error) { return tako.NoContent{}, nil })
	takotest.New(t, none).Get("/", authorization("Bearer x")).Expect(500)
}

// Rules apply whatever the program's type makes of the same claims.
func TestCA13RulesDoNotDependOnTheType(t *testing.T) {
	t.Parallel()
	type odd struct {
		Exp    string `json:"-"`
		Issuer int    `json:"issuer"`
		ISS    string `json:"iss"`
		AUD    any    `json:"aud"`
	}
	v := verifier(t, func(c *Config) { c.Issuer, c.Audience = "i", []string{"a"} })
	key := testKey(HS256)
	for _, over := range []map[string]any{{"iss": "x", "aud": "a"}, {"iss": "i"}, {"iss": "i", "aud": "b"}, {"ISS": "i", "aud": "a"},
		{"iss": "i", "aud": "a", "exp": 1}, {"iss": "i", "aud": "a", "Sub": "x"}} {
		var got odd
		_, err := v.Verify(t.Context(), sign(t, key, claims(over)), &got)
		assert.ErrorIs(t, err, ErrInvalid, over)
	}
	var got odd
	_, err := v.Verify(t.Context(), sign(t, key, claims(map[string]any{"iss": "i", "aud": "a"})), &got)
	assert.NoError(t, err)
	assert.Equal(t, got, odd{ISS: "i", AUD: "a"})
}

func TestCA13UnverifiedIsNoAuthentication(t *testing.T) {
	t.Parallel()
	r := tako.New()
	route := tako.Get(r, "/", func(_ context.Context, in DangerouslyUnverified[member]) (string, error) { return in.Value.Role, nil })
	tako.Get(r, "/may", func(_ context.Context, in tako.Optional[DangerouslyUnverified[member]]) (string, error) {
		return fmt.Sprint(in.Present), nil
	})
	srv := takotest.New(t, r)
	assert.Equal(t, len(route.Operation().Security), 0)
	expired := sign(t, testKey(HS256), map[string]any{"exp": 1, "role": "admin"})
	srv.Get("/", authorization("Bearer "+expired)).Expect(200)
	for name, lines := range map[string][]string{"text": {"Bearer x"}, "payload": {"Bearer " + b64(`{"alg":"none"}`) + "." + b64("[]") + "."},
		"long": {"Bearer " + strings.Repeat("A", DefaultMaxSize+1)}, "crit": {"Bearer " + b64(`{"alg":"none","crit":[]}`) + "." + b64("{}") + "."}} {
		got := srv.Get("/", authorization(lines...))
		assert.Equal(t, got.StatusCode, 401, name)
		assert.Equal(t, got.Header.Get("WWW-Authenticate"), `Bearer realm="restricted", error="invalid_token"`, name)
	}
	srv.Get("/").Expect(401).ExpectHeader("WWW-Authenticate", `Bearer realm="restricted"`)
	assert.Contains(t, srv.Get("/may").Expect(200).Text, "false")
	got, err := route.Do(t.Context(), srv, DangerouslyUnverified[member]{Token: expired})
	assert.NoError(t, err)
	assert.Equal(t, got, "admin")
}

// endless fails the test if somebody reads it.
type endless struct{ t *testing.T }

func (e endless) Read([]byte) (int, error) {
	e.t.Error("the body was read before the token was verified")
	return 0, io.ErrUnexpectedEOF
}

func TestCA16ClaimsComeBeforeTheBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Supply(r, verifier(t, nil))
	tako.Post(r, "/", func(context.Context, struct {
		Body map[string]any
		Auth Claims[member]
	}) (tako.NoContent, error) {
		return tako.NoContent{}, nil
	})
	takotest.New(t, r).Post("/", authorization("Bearer x"), func(req *http.Request) {
		req.Header.Set("Content-Type", "application/json")
		req.Body, req.ContentLength = io.NopCloser(endless{t}), 1<<30
	}).Expect(401)
}

func TestClaimsInTypedCalls(t *testing.T) {
	t.Parallel()
	v := verifier(t, func(c *Config) { c.Realm = "own" })
	r := tako.New()
	tako.Supply(r, v)
	type input struct{ Auth Claims[member] }
	route := tako.Get(r, "/", func(_ context.Context, in input) (string, error) {
		if in.Auth.Value.Role == "guest" {
			return "", in.Auth.Refuse(errors.New("guests are nobody"))
		}
		return in.Auth.Registered.Subject + in.Auth.Token[:2], nil
	})
	srv := takotest.New(t, r)
	token := sign(t, testKey(EdDSA), claims(map[string]any{"sub": "octo"}))
	got, err := route.Do(t.Context(), srv, input{Claims[member]{Token: token}})
	assert.NoError(t, err)
	assert.Equal(t, got, "octoey")
	_, err = route.Do(t.Context(), srv, input{})
	assert.Equal(t, tako.AsError(err).Status, 401)
	_, err = route.Do(t.Context(), srv, input{Claims[member]{Token: sign(t, testKey(EdDSA), claims(map[string]any{"role": "guest"}))}})
	answer, _ := errors.AsType[*tako.ResponseError](err)
	assert.Equal(t, answer.Status, 401)
	assert.Equal(t, answer.Header.Get("Www-Authenticate"), `Bearer realm="own", error="invalid_token"`)
	if _, err := route.Request(t.Context(), input{Claims[member]{Token: "a b"}}); err == nil {
		t.Error("a malformed token was sent")
	}
	want := tako.SecurityScheme{Name: "jwt", Type: "http", Scheme: "bearer", BearerFormat: "JWT"}
	assert.Equal(t, route.Operation().Security, []tako.Requirement{{Scheme: want}})
	secret := Claims[member]{Value: member{"hidden"}, Token: "hidden"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, struct{ Auth Claims[member] }{secret}); strings.Contains(text, "hidden") {
			t.Errorf("%s shows the token: %s", format, text)
		}
	}
	var text strings.Builder
	asJSON := slog.New(slog.NewJSONHandler(&text, nil))
	asJSON.Info("x", "v", secret, "unverified", DangerouslyUnverified[member]{member{"hidden"}, "hidden"},
		"in", struct{ Auth Claims[member] }{Claims[member]{Token: "hidden"}}, "key", Key{"", HS256, []byte("hidden")})
	if strings.Contains(text.String(), "hidden") {
		t.Errorf("the log shows the token: %s", text.String())
	}
}
