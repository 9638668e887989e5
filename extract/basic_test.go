package extract

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type oddRealm struct{}

func (oddRealm) Realm() string { return `the "big" \ realm` }

type brokenRealm struct{}

func (brokenRealm) Realm() string { return "a\r\nX: y" }

// authorization sets the field as it is, on as many lines as given.
func authorization(lines ...string) takotest.Edit {
	return func(req *http.Request) { req.Header["Authorization"] = lines }
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestCA08Basic(t *testing.T) {
	t.Parallel()
	r := tako.New()
	show := func(b Basic) string { return b.User + "|" + b.Password }
	tako.Get(r, "/must", func(_ context.Context, in Basic) (string, error) { return show(in), nil })
	tako.Get(r, "/may", func(_ context.Context, in struct{ Auth tako.Optional[Basic] }) (string, error) {
		return fmt.Sprint(in.Auth.Present, " ", show(in.Auth.Value)), nil
	})
	r.Get("/hand", func(c *tako.Context) error {
		b, err := tako.Extract[Basic](c)
		if err != nil {
			return err
		}
		return c.Text(200, show(b))
	})
	srv := takotest.New(t, r)
	tests := []struct {
		name  string
		lines []string
		want  string // "" is 401
		may   bool   // counts as absent
	}{
		{"missing", nil, "", true},
		{"empty", []string{""}, "", true},
		{"wrong scheme", []string{"Bearer x"}, "", true},
		{"longer scheme", []string{"Basicx " + base64Of("a:b")}, "", true},
		{"plain", []string{"Basic " + base64Of("octo:pus")}, "octo|pus", false},
		{"case", []string{"bAsIC " + base64Of("octo:pus")}, "octo|pus", false},
		{"spaces", []string{"Basic   " + base64Of("octo:pus")}, "octo|pus", false},
		{"colons", []string{"Basic " + base64Of("octo:p:u:s")}, "octo|p:u:s", false},
		{"empty parts", []string{"Basic " + base64Of(":")}, "|", false},
		{"UTF-8", []string{"Basic " + base64Of("øcto:pæs€")}, "øcto|pæs€", false},
		{"Latin-1", []string{"Basic " + base64Of("\xf8cto:pus")}, "", false},
		{"control", []string{"Basic " + base64Of("octo:p\x00us")}, "", false},
		{"delete", []string{"Basic " + base64Of("octo\x7f:pus")}, "", false},
		{"no colon", []string{"Basic " + base64Of("octopus")}, "", false},
		{"nothing", []string{"Basic"}, "", false},
		{"broken", []string{"Basic !!!"}, "", false},
		{"cut", []string{"Basic " + strings.TrimRight(base64Of("octo:pu"), "=")}, "", false},
		{"url alphabet", []string{"Basic b2N0bzpwdT8_"}, "", false},
		{"two tokens", []string{"Basic " + base64Of("octo:pus") + " x"}, "", false},
		{"list", []string{"Basic " + base64Of("octo:pus") + ", Bearer x"}, "", false},
		{"twice", []string{"Basic " + base64Of("octo:pus"), "Basic " + base64Of("octo:pus")}, "", false},
		{"two schemes", []string{"Bearer x", "Basic " + base64Of("octo:pus")}, "", false},
	}
	for _, tt := range tests {
		for _, path := range []string{"/must", "/hand"} {
			got := srv.Get(path, authorization(tt.lines...))
			if tt.want == "" {
				e := got.ExpectHeader("WWW-Authenticate", `Basic realm="restricted", charset="UTF-8"`).Problem(401)
				assert.Equal(t, e.Detail, "the credentials are missing or wrong", tt.name)
				continue
			}
			assert.Equal(t, got.Expect(200).StatusCode, 200, tt.name)
			assert.Equal(t, strings.Trim(strings.TrimSpace(got.Text), `"`), tt.want, tt.name)
		}
		got := srv.Get("/may", authorization(tt.lines...))
		status := 200
		if tt.want == "" && !tt.may {
			status = 401
		}
		assert.Equal(t, got.StatusCode, status, tt.name, " optional")
		if tt.may {
			assert.Contains(t, got.Text, "false |", tt.name)
		}
	}
}

func TestCA08Realm(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Get(r, "/basic", textOf[BasicFor[oddRealm]])
	tako.Get(r, "/bearer", textOf[BearerFor[oddRealm]])
	srv := takotest.New(t, r)
	const realm = `realm="the \"big\" \\ realm"`
	srv.Get("/basic").Expect(401).ExpectHeader("WWW-Authenticate", "Basic "+realm+`, charset="UTF-8"`)
	srv.Get("/bearer").Expect(401).ExpectHeader("WWW-Authenticate", "Bearer "+realm)

	broken := tako.New()
	tako.Get(broken, "/basic", textOf[BasicFor[brokenRealm]])
	tako.Get(broken, "/bearer", textOf[BearerFor[brokenRealm]])
	err := broken.Build()
	if err == nil || strings.Count(err.Error(), "not printable ASCII") != 2 {
		t.Errorf("got %v, want two mistakes about the realm", err)
	}
	raw := tako.New()
	raw.Get("/", func(c *tako.Context) error {
		_, err := tako.Extract[BasicFor[brokenRealm]](c)
		return err
	})
	takotest.New(t, raw).Get("/").Expect(401).ExpectHeader("WWW-Authenticate", `Basic realm="a  X: y", charset="UTF-8"`)
}

func TestCA14EqualAnswers(t *testing.T) {
	t.Parallel()
	hashes := map[string]string{"octo": "hash of pus"}
	ran := 0
	r := tako.New()
	tako.Get(r, "/", func(_ context.Context, in struct{ Auth BasicFor[oddRealm] }) (string, error) {
		ok := CheckPassword(hashes[in.Auth.User], "hash of nothing", func(hash string) bool {
			ran++
			return hash == "hash of "+in.Auth.Password
		})
		if !ok {
			return "", in.Auth.Refuse(errors.New("wrong user or password"))
		}
		return "in", nil
	})
	srv := takotest.New(t, r)
	ask := func(pair string) *takotest.Response { return srv.Get("/", authorization("Basic "+base64Of(pair))) }
	ask("octo:pus").Expect(200)
	wrong, unknown, decoy, missing := ask("octo:x"), ask("nobody:x"), ask("nobody:nothing"), srv.Get("/")
	assert.Equal(t, ran, 4, "the hash is checked for unknown users too")
	for _, other := range []*takotest.Response{unknown, decoy, missing} {
		assert.Equal(t, other.Expect(401).Text, wrong.Expect(401).Text)
		assert.Equal(t, other.Header, wrong.Header)
	}
}

func TestCA14Equal(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	tests := []struct {
		candidate string
		keys      []string
		want      bool
	}{
		{"a", nil, false},
		{"", nil, false},
		{"", []string{""}, false}, // of a variable that is not set
		{"", []string{"a", ""}, false},
		{"a", []string{"a"}, true},
		{"a", []string{"b", "c", "a"}, true},
		{"a", []string{"a", "a"}, true},
		{"a", []string{"b"}, false},
		{"a", []string{"aa", "", "A"}, false},
		{long, []string{"a", long}, true},
		{long + "y", []string{long}, false},
	}
	for _, tt := range tests {
		assert.Equal(t, Equal(tt.candidate, tt.keys...), tt.want, fmt.Sprintf("%.10q in %.10q", tt.candidate, tt.keys))
	}
}

func TestCA15CredentialsPrintWithoutSecrets(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	asJSON := slog.New(slog.NewJSONHandler(&log, nil))
	values := []any{Basic{"octo", "hidden"}, BasicFor[oddRealm]{Basic{"octo", "hidden"}}, Bearer{"hidden"},
		BearerFor[oddRealm]{Bearer{"hidden"}}, APIKey{"hidden"}, APIKeyFrom[xAPIKey]{APIKey{"hidden"}}, Key{"k", []byte("hidden")}}
	for _, v := range values {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			for _, in := range []any{v, struct{ Auth any }{v}, []any{v}} {
				if text := fmt.Sprintf(format, in); strings.Contains(text, "hidden") {
					t.Errorf("%T as %s shows the secret: %s", v, format, text)
				}
			}
		}
		for _, l := range []*slog.Logger{logger, asJSON} {
			l.Info("x", "v", v, "in", struct{ Auth any }{v})
		}
	}
	if strings.Contains(log.String(), "hidden") {
		t.Errorf("the log shows a secret: %s", log.String())
	}
}

// What the error says to the log has nothing of what was sent.
func TestCA15CausesHaveNoSecrets(t *testing.T) {
	t.Parallel()
	r := tako.New()
	var causes []error
	r.OnError(func(_ *tako.Context, err error) error {
		causes = append(causes, err)
		return err
	})
	tako.Get(r, "/basic", textOf[Basic])
	tako.Get(r, "/bearer", textOf[Bearer])
	tako.Get(r, "/key", textOf[APIKey])
	srv := takotest.New(t, r)
	srv.Get("/basic", authorization("Basic hidden")).Expect(401)
	srv.Get("/basic", authorization("Basic "+base64Of("hidden"))).Expect(401)
	srv.Get("/bearer", authorization("Bearer hidden,")).Expect(401)
	srv.Get("/bearer", authorization("Bearer hidden", "Bearer hidden")).Expect(401)
	srv.Get("/key", func(req *http.Request) { req.Header["X-Api-Key"] = []string{"hidden", "hidden"} }).Expect(401)
	assert.Equal(t, len(causes), 5)
	for _, err := range causes {
		if strings.Contains(err.Error(), "hidden") || tako.AsError(err).Err == nil {
			t.Errorf("cause %q", err)
		}
	}
}

func TestBasicInTypedCalls(t *testing.T) {
	t.Parallel()
	r := tako.New()
	route := tako.Get(r, "/", func(_ context.Context, in struct{ Auth BasicFor[oddRealm] }) (string, error) {
		return in.Auth.User + "|" + in.Auth.Password, nil
	})
	srv := takotest.New(t, r)
	for _, want := range []Basic{{"octo", "p:ü"}, {"", "x"}, {"x", ""}} {
		got, err := route.Do(t.Context(), srv, struct{ Auth BasicFor[oddRealm] }{BasicFor[oddRealm]{want}})
		assert.NoError(t, err)
		assert.Equal(t, got, want.User+"|"+want.Password)
	}
	for _, bad := range []Basic{{"a:b", "x"}, {"a", "\n"}, {"\xff", ""}} {
		if _, err := route.Do(t.Context(), srv, struct{ Auth BasicFor[oddRealm] }{BasicFor[oddRealm]{bad}}); err == nil || tako.AsError(err).Status != 500 {
			t.Errorf("%q was sent: %v", bad.User, err)
		}
	}
	assert.Equal(t, route.Operation().Security, []tako.Requirement{{Scheme: tako.SecurityScheme{Name: "basic", Type: "http", Scheme: "basic"}}})
}

func FuzzBasic(f *testing.F) {
	for _, s := range []string{"", "Og==", base64Of("a:b"), base64Of("a:b:c"), base64Of("ab"), "!!!", base64Of("\xff:\x00"), "YTpi\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, given string) {
		b, err := parseBasic(given)
		if err != nil {
			return
		}
		if strings.Contains(b.User, ":") || !validBasic(b.User+b.Password) {
			t.Errorf("%q has user %q and password %q", given, b.User, b.Password)
		}
		req, _ := http.NewRequest("GET", "/", nil)
		if err := b.EncodeRequest(req); err != nil {
			t.Errorf("%q cannot be sent again: %v", given, err)
		}
		if user, password, ok := req.BasicAuth(); b != (Basic{}) && (!ok || user != b.User || password != b.Password) {
			t.Errorf("%q is sent again as %q and %q", given, user, password)
		}
	})
}
