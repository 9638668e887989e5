package runtimetest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func cookieCases() []testCase {
	lost := replies("lost", "Set-Cookie: ", "X-Cookie: ")
	doubled := around("doubled", func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			c.BeforeHead(func(h *tako.Head) { h.Header.Add("Set-Cookie", "plain=2; Path=/; HttpOnly; SameSite=Lax") })
			return next(c)
		}
	})
	return []testCase{
		{id: "CA-01/defaults", run: cookieDefaults, faults: []fault{lost, replies("scripts", "; HttpOnly", ""), replies("any-site", "SameSite=Lax", "SameSite=None"), replies("no-path", "Path=/;", "Path=/a;")}},
		{id: "CA-01/behind-proxy", run: cookieBehindProxy, faults: []fault{planted("untrusted"), replies("insecure", "; Secure", "")}},
		{id: "CA-01/wrong", run: cookieMistakes, faults: []fault{bodies("accepted", "refused", "accepted"), around("sent", sentAnyway)}},
		{id: "CA-02/refused", run: cookieSyntax, faults: []fault{bodies("accepted", "refused", "accepted"), around("sent", sentAnyway)}},
		{id: "CA-02/by-hand", run: cookiesByHand, faults: []fault{planted("more"), around("cut", cutCookie)}},
		{id: "CA-02/lossless", run: cookieValues, faults: []fault{bodies("altered", "same", "other"), lost}},
		{id: "CA-03/sent-once", run: cookieChanges, faults: []fault{lost, doubled, replies("first-value", "plain=2", "plain=1")}},
		{id: "CA-04/lines", run: cookieLines, faults: []fault{bodies("one-lost", "c=3", ""), replies("last-wins", "a=1", "a=2"), asks("one-line", "Cookie: c", "X-Cookie: c")}},
		{id: "CA-04/too-many", run: cookieFlood, faults: []fault{turned("431"), replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 431 ")}},
		{id: "CA-05/removed", run: cookieRemoved, faults: []fault{lost, replies("other-path", "Path=/p", "Path=/"), replies("kept", "Max-Age=0", "Max-Age=9"), replies("other-domain", "Domain=a.example", "Domain=example")}},
	}
}

// sentAnyway sends a cookie that nobody has asked for.
func sentAnyway(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.BeforeHead(func(h *tako.Head) { h.Header.Add("Set-Cookie", "a=b") })
		return next(c)
	}
}

// secureText is the attribute that cookies have over TLS.
func (x *T) secureText() string {
	if x.secure() {
		return "; Secure"
	}
	return ""
}

// jarRoute serves f with the jar of the request.
func jarRoute(app *tako.Router, path string, f func(c *tako.Context, jar extract.CookieJar) error) {
	app.Get(path, func(c *tako.Context) error {
		jar, err := tako.Extract[extract.CookieJar](c)
		if err != nil {
			return err
		}
		return f(c, jar)
	})
}

func cookieDefaults(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		jarRoute(app, "/", func(c *tako.Context, jar extract.CookieJar) error {
			return errors.Join(jar.Set(extract.Cookie{Name: "a", Value: "b"}), c.NoContent())
		})
	})
	want := []string{"a=b; Path=/; HttpOnly" + x.secureText() + "; SameSite=Lax"}
	if got := s.get("/", 204).all("Set-Cookie"); !slices.Equal(got, want) {
		x.Errorf("got %q, want %q", got, want)
	}
}

// cookieBehindProxy goes by the scheme that the client has used.
func cookieBehindProxy(x *T) {
	trusted := []string{x.peerIP()}
	if x.carrier() == Unix {
		trusted = []string{"unix"}
	}
	if x.planted("untrusted") {
		trusted = nil
	}
	set := func(c *tako.Context, jar extract.CookieJar) error {
		return errors.Join(jar.Set(extract.Cookie{Name: "a", Value: "b"}), c.NoContent())
	}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.TrustedProxies(trusted...)
		jarRoute(app, "/", set)
	})
	if got := s.get("/", 204, "X-Forwarded-Proto: https").get("Set-Cookie"); !contains(got, "; Secure") {
		x.Errorf("a trusted proxy says https: got %q", got)
	}
	if got := s.get("/", 204, "X-Forwarded-Proto: http").get("Set-Cookie"); contains(got, "; Secure") {
		x.Errorf("a trusted proxy says http: got %q", got)
	}
	s = x.serve(tako.Limits{}, func(app *tako.Router) { jarRoute(app, "/", set) })
	if got := s.get("/", 204, "X-Forwarded-Proto: https").get("Set-Cookie"); contains(got, "; Secure") != x.secure() {
		x.Errorf("somebody says https: got %q", got)
	}
}

// tries sets cookies one by one; each has to be refused, and none to be sent.
func (x *T) tries(cookies []extract.Cookie) {
	x.Helper()
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		jarRoute(app, "/", func(c *tako.Context, jar extract.CookieJar) error {
			for _, k := range cookies {
				if err := jar.Set(k); !errors.Is(err, extract.ErrCookie) {
					x.Errorf("set %+v: got %v", k, err)
				}
			}
			return c.Text(200, "refused")
		})
	})
	r := s.get("/", 200)
	if got := r.all("Set-Cookie"); len(got) > 0 || r.body != "refused" {
		x.Errorf("got %q with %q", got, r.body)
	}
}

func cookieMistakes(x *T) {
	cookies := []extract.Cookie{
		{Name: "a", SameSite: http.SameSiteNoneMode, Insecure: true}, {Name: "a", Partitioned: true, Insecure: true},
		{Name: "__Host-a", Secure: true, Domain: "a.example"}, {Name: "__Host-a", Secure: true, Path: "/p"}, {Name: "__hOsT-a", Secure: true, Domain: "a.example"},
		{Name: "__Host-a", Insecure: true}, {Name: "__Secure-a", Insecure: true}, {Name: "a", Secure: true, Insecure: true}, {Name: "a", MaxAge: -time.Second},
	}
	if !x.secure() {
		cookies = append(cookies, extract.Cookie{Name: "a", SameSite: http.SameSiteNoneMode}, extract.Cookie{Name: "__Host-a"}, extract.Cookie{Name: "__Secure-a"}, extract.Cookie{Name: "a", Partitioned: true})
	}
	x.tries(cookies)
}

func cookieSyntax(x *T) {
	var cookies []extract.Cookie
	for _, bad := range []string{"\r\nX-Injected: a", "\n", "\x00", "\x7f", ";", "; Domain=example", ",", " ", "\"", "\\", "é", "\t", "\xff"} {
		cookies = append(cookies, extract.Cookie{Name: "a" + bad, Value: "b"}, extract.Cookie{Name: "a", Value: "b" + bad})
		if bad != "," && bad != "\"" && bad != "\\" && bad != " " {
			cookies = append(cookies, extract.Cookie{Name: "a", Path: "/" + bad})
		}
		cookies = append(cookies, extract.Cookie{Name: "a", Domain: "a" + bad})
	}
	x.tries(append(cookies, extract.Cookie{Value: "b"}, extract.Cookie{Name: "a=b"}, extract.Cookie{Name: "a", Value: strings.Repeat("b", extract.MaxCookieSize)}))
}

// cutCookie sends less than the handler has set.
func cutCookie(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		c.BeforeHead(func(h *tako.Head) {
			if h.Header.Get("Set-Cookie") != "" {
				h.Header.Set("Set-Cookie", "a=")
			}
		})
		return next(c)
	}
}

// cookiesByHand are set without a jar: name and value are read back as they were, or it is
// an error and nothing is sent.
func cookiesByHand(x *T) {
	bad := []string{"\r\nX-Injected: a", "\n", "\x00", "\x7f", ";", "; Domain=example", ",", " ", "\"", "\\", "é", "\t", "\xff", "="}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/", func(c *tako.Context) error {
			text := bad[c.Query("n")[0]-'a']
			cookie := &http.Cookie{Name: "a", Value: "b" + text}
			switch c.Query("in") {
			case "name":
				cookie = &http.Cookie{Name: "a" + text, Value: "b"}
			case "path":
				cookie.Value, cookie.Path = "b", "/"+text
			}
			if x.planted("more") {
				c.Header().Set("X-Injected", "a")
			}
			if c.SetCookie(cookie) != nil {
				return c.Text(200, "refused")
			}
			return c.Text(200, "sent")
		})
	})
	for i, text := range bad {
		for _, in := range []string{"name", "value", "path"} {
			r := s.get("/?in="+in+"&n="+string(rune('a'+i)), 200)
			lines := r.all("Set-Cookie")
			if r.get("X-Injected") != "" || r.body == "refused" && len(lines) > 0 || r.body == "sent" && len(lines) != 1 {
				x.Errorf("%s with %q: got %q, %s", in, text, r.fields, r.body)
				continue
			}
			if r.body == "refused" {
				continue
			}
			got, err := http.ParseSetCookie(strings.Split(lines[0], "; Path=")[0])
			want := "b" + text
			if in == "path" {
				want = "b"
			}
			if err != nil || in == "name" || got.Name != "a" || got.Value != want || contains(lines[0], "Domain") {
				x.Errorf("%s with %q: sent as %q", in, text, lines[0])
			}
		}
	}
}

// cookieValues come back as they were set, whatever they are, from the jars that encode them.
func cookieValues(x *T) {
	values := []string{"", "a; Domain=example", "a\r\nX-Injected: b", "\x00\xff\"\\, ", "é", strings.Repeat("b", 2000)}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, x.ring("k1"))
		for path, open := range sealedJars() {
			app.Get(path, func(c *tako.Context) error {
				jar, err := open(c)
				if err != nil {
					return err
				}
				value := values[c.Query("n")[0]-'0']
				if c.RequestHeader("Cookie") == "" {
					return errors.Join(jar.Set(extract.Cookie{Name: "a", Value: value}), c.NoContent())
				}
				if got, ok := jar.Get("a"); !ok || got != value {
					return c.Text(200, "other")
				}
				return c.Text(200, "same")
			})
		}
	})
	for path := range sealedJars() {
		for i := range values {
			target := path + "?n=" + itoa(i)
			r := s.get(target, 204)
			if lines := r.all("Set-Cookie"); len(lines) != 1 || r.get("X-Injected") != "" || contains(lines[0], "Domain") {
				x.Fatalf("%s: got %q", target, r.fields)
			}
			if got := s.get(target, 200, "Cookie: "+pairOf(r.get("Set-Cookie"))).body; got != "same" {
				x.Errorf("%s: the value has changed", target)
			}
		}
	}
}

// pairOf is what a client sends back of a Set-Cookie field.
func pairOf(line string) string {
	pair, _, _ := strings.Cut(line, ";")
	return pair
}

// changing changes the jars of a request, some cookies more than once.
func (x *T) changing(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		plain, err := tako.Extract[extract.CookieJar](c)
		if err != nil {
			return err
		}
		all := []error{plain.Set(extract.Cookie{Name: "plain", Value: "1"}), plain.Set(extract.Cookie{Name: "plain", Value: "2"})}
		for path, open := range sealedJars() {
			jar, err := open(c)
			if err != nil {
				return err
			}
			all = append(all, jar.Set(extract.Cookie{Name: path[1:], Value: "1"}), jar.Set(extract.Cookie{Name: path[1:], Value: "2"}))
		}
		again, err := tako.Extract[extract.CookieJar](c)
		all = append(all, err, again.Set(extract.Cookie{Name: "again", Value: "3"}), again.Remove(extract.Cookie{Name: "gone"}))
		if err := errors.Join(all...); err != nil {
			return err
		}
		return next(c)
	}
}

// cookieChanges are sent whatever becomes of the handler.
func cookieChanges(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		tako.Supply(app, x.ring("k1"))
		for path, end := range map[string]tako.Handler{
			"/200": say("hello"), "/204": func(c *tako.Context) error { return c.NoContent() },
			"/303": func(c *tako.Context) error { return c.Redirect(303, "/elsewhere") },
			"/409": func(*tako.Context) error { return tako.Errorf(409, "no") },
			"/500": func(*tako.Context) error { panic("planned") },
			"/streamed": func(c *tako.Context) error {
				_, err := c.WriteString("one ")
				return errors.Join(err, c.Flush(), func() error { _, err := c.WriteString("two"); return err }())
			},
			"/changed": func(c *tako.Context) error { // as a compression does
				c.BeforeHead(func(h *tako.Head) {
					h.Length = -1
					c.WrapBody(func(next tako.BodyWriter) tako.BodyWriter { return &rewriting{next, replacer("a", "b")} })
				})
				return c.Text(200, "aaa")
			},
		} {
			app.Get(path, x.changing(end))
		}
		app.Group("", x.changing).Get("/503", func(c *tako.Context) error {
			<-c.Context().Done()
			return nil
		}, tako.Timeout(short))
	})
	for path, status := range map[string]int{"/200": 200, "/204": 204, "/303": 303, "/409": 409, "/500": 500, "/503": 503, "/streamed": 200, "/changed": 200} {
		lines := s.get(path, status).all("Set-Cookie")
		var names []string
		for _, line := range lines {
			name, _, _ := strings.Cut(line, "=")
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, []string{"again", "gone", "plain", "private", "signed"}) {
			x.Errorf("%s: cookies are set by %q", path, lines)
		}
		if want := "plain=2; Path=/; HttpOnly" + x.secureText() + "; SameSite=Lax"; !slices.Contains(lines, want) {
			x.Errorf("%s: got %q, want the last value", path, lines)
		}
	}
	s.get("/200", 200, "Cookie: plain=0")
}

// allCookies shows what a jar has.
func allCookies(c *tako.Context, jar extract.CookieJar) error {
	var b strings.Builder
	for name, value := range jar.All() {
		b.WriteString(name + "=" + value + " ")
	}
	return c.Text(200, b.String())
}

func cookieLines(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) { jarRoute(app, "/", allCookies) })
	for _, row := range []struct {
		lines []string
		want  string
	}{
		{nil, ""}, {[]string{"Cookie: a=1; b=2", "Cookie: c=3"}, "a=1 b=2 c=3 "}, {[]string{"Cookie: a=1; b d=2; =3; c=3"}, "a=1 c=3 "},
		{[]string{"Cookie: a=1; a=2", "Cookie: a=3; b=1"}, "a=1 b=1 "}, {[]string{"Cookie: ;; a=1;;"}, "a=1 "}, {[]string{`Cookie: a="x y"`}, "a=x y "}, {[]string{"Cookie: a"}, ""},
	} {
		if got := s.get("/", 200, row.lines...).body; got != row.want {
			x.Errorf("%q: got %q, want %q", row.lines, got, row.want)
		}
	}
}

func cookieFlood(x *T) {
	s := x.serve(tako.Limits{HeaderBytes: 1 << 20, HeaderFields: 10_000}, func(app *tako.Router) { jarRoute(app, "/", allCookies) })
	pairs := func(n int) string { return strings.TrimSuffix(strings.Repeat("x=1; ", n), "; ") }
	s.get("/", 200, "Cookie: "+pairs(extract.MaxCookies))
	s.get("/", 431, "Cookie: "+pairs(extract.MaxCookies+1))
	s.get("/", 431, "Cookie: "+pairs(5000))
	s.get("/", 431, slicesOf("Cookie: x=1", 5000)...)
	s.get("/", 200, slicesOf("Cookie: x=1", extract.MaxCookies)...)
}

func cookieRemoved(x *T) {
	cookie := extract.Cookie{Name: "a", Value: "b", Path: "/p", Domain: "a.example", MaxAge: time.Hour}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		jarRoute(app, "/", func(c *tako.Context, jar extract.CookieJar) error {
			err := jar.Remove(cookie)
			if value, ok := jar.Get("a"); ok {
				x.Errorf("the cookie that was removed is %q", value)
			}
			return errors.Join(err, c.NoContent())
		})
	})
	want := []string{"a=; Path=/p; Domain=a.example; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly" + x.secureText() + "; SameSite=Lax"}
	if got := s.get("/", 204, "Cookie: a=b").all("Set-Cookie"); !slices.Equal(got, want) {
		x.Errorf("got %q, want %q", got, want)
	}
}
