package runtimetest

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func credentialCases() []testCase {
	t401 := turned("401")
	noRealm := replies("no-realm", `realm="`, `r="`)
	refused := replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 401 ")
	return []testCase{
		{id: "CA-08/basic", run: basicCredentials, faults: []fault{t401, noRealm, refused, replies("last-colon", "octo|p:u:s", "octo:p:u|s")}},
		{id: "CA-08/bearer", run: bearerCredentials, faults: []fault{t401, noRealm, refused, replies("no-reason", `, error="invalid_token"`, "")}},
		{id: "CA-08/api-key", run: keyCredentials, faults: []fault{t401, noRealm, refused}},
		{id: "CA-08/realm", run: quotedRealm, faults: []fault{replies("not-quoted", `\"`, `"`)}},
		{id: "CA-08/not-allowed", run: notAllowed, faults: []fault{turned("403"), t401}},
		{id: "CA-14/equal-answers", run: equalAnswers, faults: []fault{bodies("told", "the credentials are missing or wrong", "the user is unknown"), planted("short-cut")}},
		{id: "CA-14/keys", run: equalKeys, faults: []fault{t401, refused}},
		{id: "CA-15/generic", run: genericRefusals, faults: []fault{around("told", telling), planted("logged"), replies("detail", `"detail":"`, `"detial":"`)}},
		{id: "CA-16/before-the-body", run: refusedBeforeBody, faults: []fault{t401, planted("body-first")}},
		{id: "CA-17/signed-requests", skip: "requests signed by HMAC are a middleware"},
	}
}

func basicOf(pair string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

const challengeBasic = `Basic realm="restricted", charset="UTF-8"`

// A credentialRow is what a request brings, and what is made of it.
type credentialRow struct {
	lines     []string
	want      string // "" is a refusal
	challenge string
}

// walkCredentials sends rows to a path.
func (s *server) walkCredentials(path string, rows []credentialRow) {
	s.x.Helper()
	for _, row := range rows {
		status := 200
		if row.want == "" {
			status = 401
		}
		c := s.dial()
		c.send(request("GET", path, "", row.lines...))
		r := c.read("GET")
		_ = c.Close()
		if r.status != status || status == 200 && r.body != row.want {
			s.x.Errorf("%s, %.100q: got status %d with %q, want %d with %q", path, row.lines, r.status, r.body, status, row.want)
		}
		if got := r.all("WWW-Authenticate"); status == 401 && !slices.Equal(got, []string{row.challenge}) {
			s.x.Errorf("%s, %.100q: got the challenges %q, want %q", path, row.lines, got, row.challenge)
		}
	}
}

func basicCredentials(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/", func(c *tako.Context) error {
			in, err := tako.Extract[extract.Basic](c)
			if err != nil {
				return err
			}
			return c.Text(200, in.User+"|"+in.Password)
		})
	})
	fine := func(want string, lines ...string) credentialRow { return credentialRow{lines, want, ""} }
	bad := func(lines ...string) credentialRow { return credentialRow{lines, "", challengeBasic} }
	octo := strings.TrimPrefix(basicOf("octo:pus"), "Authorization: Basic ")
	s.walkCredentials("/", []credentialRow{
		fine("octo|pus", basicOf("octo:pus")), fine("octo|pus", "Authorization: bAsIc "+octo), fine("octo|pus", "Authorization: Basic   "+octo),
		fine("octo|p:u:s", basicOf("octo:p:u:s")), fine("|", basicOf(":")), fine("øcto|€", basicOf("øcto:€")),
		bad(), bad("Authorization: "), bad("Authorization: Basic"), bad("Authorization: Bearer x"), bad("Authorization: Basicx " + octo),
		bad("Authorization: Basic !!!"), bad("Authorization: Basic " + octo + " x"), bad("Authorization: Basic " + octo + ", Basic " + octo),
		bad(basicOf("octopus")), bad(basicOf("octo:p\x00us")), bad(basicOf("\xf8cto:pus")), bad("Authorization: Basic b2N0bzpwdT8_"),
		bad(basicOf("octo:pus"), basicOf("octo:pus")), bad("Authorization: Bearer x", basicOf("octo:pus")),
		bad("Authorization: Basic " + strings.Repeat("A", 20_000)), bad("Authorization: " + octo), bad("Proxy-Authorization: Basic " + octo),
	})
}

func bearerCredentials(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/", func(c *tako.Context) error {
			in, err := tako.Extract[extract.Bearer](c)
			if err != nil {
				return err
			}
			if !extract.Equal(in.Token, "right") {
				return in.Refuse(errors.New("unknown token"))
			}
			return c.Text(200, "in")
		})
	})
	const absent, invalid = `Bearer realm="restricted"`, `Bearer realm="restricted", error="invalid_token"`
	fine := func(line string) credentialRow { return credentialRow{[]string{"Authorization: " + line}, "in", ""} }
	bad := func(challenge string, lines ...string) credentialRow { return credentialRow{lines, "", challenge} }
	s.walkCredentials("/", []credentialRow{
		fine("Bearer right"), fine("bEaReR right"), fine("Bearer  right"),
		bad(absent), bad(absent, basicOf("a:b")), bad(absent, "Authorization: Bearerx right"), bad(absent, "Authorization: right"),
		bad(invalid, "Authorization: Bearer"), bad(invalid, "Authorization: Bearer wrong"), bad(invalid, "Authorization: Bearer right wrong"),
		bad(invalid, "Authorization: Bearer right, x"), bad(invalid, `Authorization: Bearer "right"`), bad(invalid, "Authorization: Bearer rightx"),
		bad(invalid, "Authorization: Bearer ="), bad(invalid, "Authorization: Bearer é"), bad(invalid, "Authorization: Bearer right", "Authorization: Bearer right"),
	})
}

// Places of API keys.
type (
	queryKey  struct{}
	cookieKey struct{}
)

func (queryKey) KeyPlace() (in, name string)  { return "query", "key" }
func (cookieKey) KeyPlace() (in, name string) { return "cookie", "key" }

// keyRoute shows the key that an extractor reads.
func keyRoute[E any, P interface {
	*E
	tako.Extractor
}](app *tako.Router, path string, key func(E) string) {
	app.Get(path, func(c *tako.Context) error {
		in, err := tako.Extract[E, P](c)
		if err != nil {
			return err
		}
		return c.Text(200, key(in))
	})
}

func keyRoutes(app *tako.Router) {
	keyRoute(app, "/header", func(k extract.APIKey) string { return k.Key })
	keyRoute(app, "/query", func(k extract.APIKeyFrom[queryKey]) string { return k.Key })
	keyRoute(app, "/cookie", func(k extract.APIKeyFrom[cookieKey]) string { return k.Key })
}

func keyCredentials(x *T) {
	s := x.serve(tako.Limits{}, keyRoutes)
	for path, rows := range map[string][]credentialRow{
		"/header": {{[]string{"X-API-Key: k 1"}, "k 1", ""}, {[]string{"x-api-key: k"}, "k", ""}, {nil, "", ""}, {[]string{"X-API-Key: "}, "", ""}, {[]string{"X-API-Key: a", "X-API-Key: a"}, "", ""}},
		"/cookie": {{[]string{"Cookie: a=b; key=k"}, "k", ""}, {[]string{"Cookie: key=k; key=l"}, "k", ""}, {nil, "", ""}, {[]string{"Cookie: key="}, "", ""}},
		"/query":  {{nil, "", ""}},
	} {
		for i := range rows {
			rows[i].challenge = keyChallenge(path)
		}
		s.walkCredentials(path, rows)
	}
	s.walkCredentials("/query?a=b&key=k%201", []credentialRow{{nil, "k 1", ""}})
	s.walkCredentials("/query?%6bey=k", []credentialRow{{nil, "k", ""}})
	s.walkCredentials("/query?key=", []credentialRow{{nil, "", keyChallenge("/query")}})
	s.walkCredentials("/query?key=a&key=a", []credentialRow{{nil, "", keyChallenge("/query")}})
	s.get("/query?key=%zz", 400)
}

func keyChallenge(path string) string {
	name := "key"
	if path == "/header" {
		name = "X-API-Key"
	}
	return `ApiKey realm="restricted", in="` + path[1:] + `", name="` + name + `"`
}

type oddRealm struct{}

func (oddRealm) Realm() string { return `the "big" \ realm` }

func quotedRealm(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Get(app, "/basic", fine[extract.BasicFor[oddRealm]])
		tako.Get(app, "/bearer", fine[extract.BearerFor[oddRealm]])
	})
	const realm = `realm="the \"big\" \\ realm"`
	s.walkCredentials("/basic", []credentialRow{{nil, "", "Basic " + realm + `, charset="UTF-8"`}})
	s.walkCredentials("/bearer", []credentialRow{{nil, "", "Bearer " + realm}})
}

// notAllowed knows who the client is.
func notAllowed(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Get(app, "/", func(_ context.Context, in extract.Basic) (string, error) {
			if in.User != "octo" {
				return "", tako.Forbidden("octo alone may do that")
			}
			return "in", nil
		})
	})
	s.get("/", 200, basicOf("octo:pus"))
	if r := s.get("/", 403, basicOf("squid:pus")); len(r.all("WWW-Authenticate")) > 0 {
		x.Error("a client who is known is asked who it is")
	}
	s.get("/", 401)
}

// equalAnswers tells nobody which users there are, neither by what is answered nor by how
// much is done for it.
func equalAnswers(x *T) {
	var verified atomic.Int64
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Get(app, "/", func(_ context.Context, in extract.Basic) (string, error) {
			stored := map[string]string{"octo": "hash of pus"}[in.User]
			if x.planted("short-cut") && stored == "" {
				return "", in.Refuse(errors.New("unknown user"))
			}
			ok := extract.CheckPassword(stored, "hash of nothing", func(hash string) bool {
				verified.Add(1)
				return hash == "hash of "+in.Password
			})
			if !ok {
				return "", in.Refuse(errors.New("wrong user or password"))
			}
			return "in", nil
		})
	})
	s.get("/", 200, basicOf("octo:pus"))
	var answers []string
	for i, pair := range []string{"octo:wrong", "nobody:wrong", "nobody:nothing", "octo:"} {
		r := s.get("/", 401, basicOf(pair))
		var fields []string // in any order: HTTP/3 has none
		for _, f := range r.fields {
			if !strings.EqualFold(f.name, "Date") {
				fields = append(fields, "\n"+f.name+": "+f.value)
			}
		}
		slices.Sort(fields)
		text := r.body + strings.Join(fields, "")
		answers = append(answers, text)
		if text != answers[0] {
			x.Errorf("%s: got %q, another user gets %q", pair, text, answers[0])
		}
		if n := verified.Load(); n != int64(i)+2 {
			x.Errorf("%s: %d passwords were verified, want %d", pair, n, i+2)
		}
	}
	if !contains(answers[0], "the credentials are missing or wrong") {
		x.Errorf("got %q", answers[0])
	}
}

// equalKeys looks at all the keys there are, of whatever length.
func equalKeys(x *T) {
	keys := []string{"one", "another", strings.Repeat("k", 100)}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Get(app, "/", func(_ context.Context, in extract.APIKey) (string, error) {
			if !extract.Equal(in.Key, keys...) {
				return "", in.Refuse(errors.New("unknown key"))
			}
			return "in", nil
		})
	})
	for _, key := range keys {
		s.get("/", 200, "X-API-Key: "+key)
	}
	first := ""
	for _, key := range []string{"ono", "on", "onee", "two", strings.Repeat("k", 99), strings.Repeat("k", 101), "ONE"} {
		r := s.get("/", 401, "X-API-Key: "+key)
		if first == "" {
			first = r.body
		}
		if r.body != first {
			x.Errorf("%s: got %s, another key gets %s", key, r.body, first)
		}
	}
}

// telling answers with the private cause.
func telling(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if err := next(c); err != nil {
			return tako.Errorf(401, "%s", err.Error()).With("WWW-Authenticate", challengeBasic)
		}
		return nil
	}
}

// confided is in all that a client must keep to itself.
const confided = "hidden-secret"

// genericRefusals give one body for all, and the reason to the program alone.
func genericRefusals(x *T) {
	var causes atomic.Int64
	path := x.ownPath("/in")
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.OnError(func(c *tako.Context, err error) error {
			if e := tako.AsError(err); e.Status == 401 && e.Err != nil {
				causes.Add(1)
			}
			if contains(err.Error(), confided) {
				x.Errorf("the cause shows what was sent: %v", err)
			}
			return err
		})
		supplyVerifier(x, app)
		tako.Get(app, path+"/basic", func(_ context.Context, in extract.Basic) (string, error) {
			if x.planted("logged") {
				return "", in.Refuse(errors.New("wrong password " + in.Password))
			}
			return "", in.Refuse(errors.New("wrong password"))
		})
		tako.Get(app, path+"/bearer", func(_ context.Context, in extract.Bearer) (string, error) {
			return "", in.Refuse(errors.New("unknown"))
		})
		tako.Get(app, path+"/key", func(_ context.Context, in extract.APIKey) (string, error) {
			return "", in.Refuse(errors.New("unknown"))
		})
		tako.Get(app, path+"/token", fine[tokenClaims])
	})
	expired := signedToken(x, map[string]any{"exp": 1, "sub": confided})
	bodies := map[string]bool{}
	requests := []string{
		request("GET", path+"/basic", "", basicOf("octo:"+confided)), request("GET", path+"/basic", "", basicOf(confided)), request("GET", path+"/basic", ""),
		request("GET", path+"/bearer", "", "Authorization: Bearer "+confided), request("GET", path+"/bearer", "", "Authorization: Bearer "+confided+" x"),
		request("GET", path+"/key", "", "X-API-Key: "+confided), request("GET", path+"/key", "", "X-API-Key: "+confided, "X-API-Key: b"),
		request("GET", path+"/token", "", "Authorization: Bearer "+confided), request("GET", path+"/token", "", "Authorization: Bearer "+expired),
		request("GET", path+"/token", "", "Authorization: Bearer "+expired+"x"), request("GET", path+"/token", ""),
	}
	for _, raw := range requests {
		r := s.ask(raw, 401)
		bodies[r.body] = true
		if contains(r.body, confided) || !contains(r.body, `"detail":"the credentials are missing or wrong"`) {
			x.Errorf("%.100q: got %s", raw, r.body)
		}
	}
	if len(bodies) != 1 {
		x.Errorf("got %d different bodies: %v", len(bodies), bodies)
	}
	if n := causes.Load(); n != int64(len(requests)) && !x.planted("logged") {
		x.Errorf("%d of %d refusals have a cause", n, len(requests))
	}
	for _, book := range []*logBook{s.logs, x.defaults} {
		if line := book.find(path, confided); line != "" {
			x.Errorf("a secret is in the log: %s", line)
		}
		if line := book.find(path, expired); line != "" {
			x.Errorf("a token is in the log: %s", line)
		}
	}
}

// refusedBeforeBody answers a client that has not sent a byte of its body, and does not
// ask for it.
func refusedBeforeBody(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.BodyLimit(tako.NoLimit)
		supplyVerifier(x, app)
		if x.planted("body-first") {
			app.Use(func(next tako.Handler) tako.Handler {
				return func(c *tako.Context) error {
					if _, err := c.ReadBody(); err != nil {
						return err
					}
					return next(c)
				}
			})
		}
		tako.Post(app, "/basic", fine[struct {
			Body []byte
			Auth extract.Basic
		}])
		tako.Post(app, "/bearer", fine[struct {
			Form extract.MultipartForm[filesForm]
			Auth extract.Bearer
		}])
		tako.Post(app, "/key", fine[struct {
			In   tako.JSON[textBody]
			Auth extract.APIKey
		}])
		tako.Post(app, "/token", fine[struct {
			Body textBody
			Auth tokenClaims
		}])
	})
	s.frayed = true
	for _, path := range []string{"/basic", "/bearer", "/key", "/token"} {
		for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
			c := s.dial()
			c.send("POST " + path + " HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n" + expect + "\r\n")
			if r := c.expect(401); len(r.interim) > 0 {
				x.Errorf("%s: the body was asked for: %v", path, r.interim)
			}
			_ = c.Close()
		}
	}
}
