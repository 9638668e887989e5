package runtimetest

import (
	"strings"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
)

func identityCases() []testCase {
	return []testCase{
		{id: "EX-14/untrusted", run: identities(nil, untrusted), faults: []fault{planted("trusted"), replies("believed", "ip=127.0.0.1", "ip=192.0.2.1")}},
		{id: "EX-14/trusted", run: identities([]string{"127.0.0.0/8", "10.0.0.0/8"}, trusted), faults: []fault{planted("untrusted"), replies("leftmost", "ip=192.0.2.7", "ip=203.0.113.9")}},
		{id: "EX-15/untrusted", run: identities(nil, untrustedHosts), faults: []fault{planted("trusted"), replies("believed", "host=a.example", "host=b.example")}},
		{id: "EX-15/trusted", run: identities([]string{"127.0.0.1"}, trustedHosts), faults: []fault{planted("untrusted"), replies("ignored", "scheme=https", "scheme=http")}},
		{id: "EX-16/accept", run: accepts, faults: []fault{bodies("other", "type=text/html", "type=text/csv"), bodies("none", "type=", "type=x")}},
		{id: "EX-16/never-400", run: acceptsAnything, faults: []fault{replies("refused", "HTTP/1.1 200 ", "HTTP/1.1 400 ")}},
	}
}

// preferenceCases are on the fields beside Accept that say what a client prefers.
func preferenceCases() []testCase {
	return []testCase{
		{id: "EX-16/accept-extracted", run: acceptsExtracted, faults: []fault{bodies("other", "type=text/html", "type=text/csv"), bodies("none", "type=", "type=x")}},
		{id: "EX-16/accept-language", run: languages, faults: []fault{bodies("other", "lang=de", "lang=en"), bodies("suits", "ok=false", "ok=true")}},
	}
}

// An identity is what a request says of itself, and what must be believed.
type identity struct {
	lines []string
	want  map[string]string
}

var untrusted = []identity{
	{nil, map[string]string{"ip": "127.0.0.1"}},
	{[]string{"X-Forwarded-For: 192.0.2.1"}, map[string]string{"ip": "127.0.0.1"}},
	{[]string{"Forwarded: for=192.0.2.1"}, map[string]string{"ip": "127.0.0.1"}},
	{[]string{"X-Real-Ip: 192.0.2.1", "True-Client-Ip: 192.0.2.1"}, map[string]string{"ip": "127.0.0.1"}},
}

var trusted = []identity{
	{nil, map[string]string{"ip": "127.0.0.1"}},
	{[]string{"X-Forwarded-For: 192.0.2.7"}, map[string]string{"ip": "192.0.2.7"}},
	{[]string{"X-Forwarded-For: 203.0.113.9, 192.0.2.7"}, map[string]string{"ip": "192.0.2.7"}},
	{[]string{"X-Forwarded-For: 203.0.113.9, 192.0.2.7, 10.1.2.3"}, map[string]string{"ip": "192.0.2.7"}},
	{[]string{"X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 192.0.2.7", "X-Forwarded-For: 10.1.2.3"}, map[string]string{"ip": "192.0.2.7"}},
	{[]string{"X-Forwarded-For: 192.0.2.7:4711"}, map[string]string{"ip": "192.0.2.7"}},
	{[]string{"X-Forwarded-For: [2001:db8::7]:4711"}, map[string]string{"ip": "2001:db8::7"}},
	{[]string{"X-Forwarded-For: 2001:db8::7"}, map[string]string{"ip": "2001:db8::7"}},
	{[]string{"X-Forwarded-For: 192.0.2.7, unknown"}, map[string]string{"ip": "127.0.0.1"}},
	{[]string{"X-Forwarded-For: 192.0.2.7, nonsense, 10.1.2.3"}, map[string]string{"ip": "10.1.2.3"}},
	{[]string{"X-Forwarded-For: 10.9.9.9, 10.1.2.3"}, map[string]string{"ip": "10.9.9.9"}},
	{[]string{"Forwarded: for=192.0.2.7"}, map[string]string{"ip": "192.0.2.7"}},
	{[]string{`Forwarded: for="[2001:db8::7]:4711";proto=https, for=10.1.2.3`}, map[string]string{"ip": "2001:db8::7"}},
	{[]string{"Forwarded: for=203.0.113.9, For=192.0.2.7;by=10.0.0.1"}, map[string]string{"ip": "192.0.2.7"}},
	{[]string{"Forwarded: for=192.0.2.7, for=unknown"}, map[string]string{"ip": "127.0.0.1"}},
	{[]string{"Forwarded: for=192.0.2.7, for=_hidden"}, map[string]string{"ip": "127.0.0.1"}},
}

var untrustedHosts = []identity{
	{nil, map[string]string{"host": "a.example", "scheme": "http"}},
	{[]string{"X-Forwarded-Host: b.example", "X-Forwarded-Proto: https"}, map[string]string{"host": "a.example", "scheme": "http"}},
	{[]string{"Forwarded: host=b.example;proto=https"}, map[string]string{"host": "a.example", "scheme": "http"}},
}

var trustedHosts = []identity{
	{[]string{"X-Forwarded-Host: b.example", "X-Forwarded-Proto: https"}, map[string]string{"host": "b.example", "scheme": "https"}},
	{[]string{"Forwarded: for=192.0.2.1;host=b.example:8443;proto=https"}, map[string]string{"host": "b.example:8443", "scheme": "https"}},
	{[]string{"X-Forwarded-Proto: HTTPS"}, map[string]string{"host": "a.example", "scheme": "https"}},
	{[]string{"X-Forwarded-Proto: gopher"}, map[string]string{"scheme": "http"}},
	{[]string{"X-Forwarded-Host: a b/c"}, map[string]string{"host": "a.example"}},
	{[]string{"X-Forwarded-Host: user@b.example"}, map[string]string{"host": "a.example"}},
}

func identities(networks []string, rows []identity) func(x *T) {
	return func(x *T) {
		trusting := networks
		if x.planted("trusted") {
			trusting = []string{"127.0.0.1"}
		}
		if x.planted("untrusted") {
			trusting = nil
		}
		if len(trusting) > 0 {
			trusting = append([]string{x.peerIP()}, trusting...)
		}
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.TrustedProxies(trusting...)
			app.Get("/who", func(c *tako.Context) error {
				return c.Text(200, "ip="+c.ClientIP().String()+"\nhost="+c.Host()+"\nscheme="+c.Scheme()+"\nremote="+c.ConnInfo().Remote.String()+"\n")
			})
		})
		for _, row := range rows {
			r := s.ask(request("GET", "/who", "", row.lines...), 200, 400)
			if r.status == 400 && !strings.Contains(strings.Join(row.lines, ""), "Host: a b/c") && !strings.Contains(strings.Join(row.lines, ""), "Host: user@") {
				x.Errorf("%q: got 400", row.lines)
				continue
			}
			for name, want := range row.want {
				switch want {
				case "http":
					want = x.scheme()
				case "127.0.0.1":
					want = x.peerText()
				}
				if got := r.line(name); r.status == 200 && got != want {
					x.Errorf("%q: %s is %q, want %q", row.lines, name, got, want)
				}
			}
			if got := r.line("remote"); r.status == 200 && !strings.HasPrefix(got, x.peerIP()) {
				x.Errorf("%q: the peer is %q", row.lines, got)
			}
		}
	}
}

var offers = []string{"text/html", "application/json", "image/png"}

// accepted maps Accept to the offer that must win, "" if all are refused.
var accepted = map[string]string{
	"":                               "text/html",
	"*/*":                            "text/html",
	"application/json":               "application/json",
	"image/*":                        "image/png",
	"imagezzz":                       "text/html",
	"imagezzz/*":                     "",
	"text/html;q=0, */*":             "application/json",
	"text/*;q=0.3, application/json": "application/json",
	"text/html;q=0.1, */*;q=0.9":     "application/json",
	"*/*;q=0.1, image/png;q=0.2":     "image/png",
	"application/json;q=1.000":       "application/json",
	"text/html;q=999":                "text/html",
	"text/html;q=NaN, image/png":     "image/png",
	"image/png;qq=0.1":               "image/png",
	"text/html;q=0":                  "",
	"*/*;q=0":                        "",
	"TEXT/HTML":                      "text/html",
	"application/json ; q=0.5 , image/png;q=0.4": "application/json",
	",,, ,image/png": "image/png",
}

func acceptRoutes(app *tako.Router) {
	app.Get("/accept", func(c *tako.Context) error { return c.Text(200, "type="+c.Accepts(offers...)+"\n") })
	app.Get("/encode", func(c *tako.Context) error { return c.Encode(200, map[string]int{"a": 1}) })
}

func accepts(x *T) {
	s := x.serve(tako.Limits{}, acceptRoutes)
	for accept, want := range accepted {
		var lines []string
		if accept != "" {
			lines = []string{"Accept: " + accept}
		}
		if got := s.get("/accept", 200, lines...).line("type"); got != want {
			x.Errorf("Accept %q: got %q, want %q", accept, got, want)
		}
	}
	if got := s.get("/accept", 200, "Accept: text/html;q=0.1", "Accept: image/png").line("type"); got != "image/png" {
		x.Errorf("two lines: got %q", got)
	}
}

// acceptsExtracted has the extractor agree with the Context.
func acceptsExtracted(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/accept", func(c *tako.Context) error {
			in, err := tako.Extract[extract.Accept](c)
			if err != nil {
				return err
			}
			return c.Text(200, "type="+in.Prefers(offers...)+"\n")
		})
	})
	for accept, want := range accepted {
		var lines []string
		if accept != "" {
			lines = []string{"Accept: " + accept}
		}
		if got := s.get("/accept", 200, lines...).line("type"); got != want {
			x.Errorf("Accept %q: got %q, want %q", accept, got, want)
		}
	}
}

// spoken maps Accept-Language to which of de, en and pt-BR is answered. A client that
// accepts none of them gets the first all the same, as RFC 9110 advises.
var spoken = map[string]string{
	"": "de", "*": "de", "en": "en", "EN": "en", "en-GB": "en", "pt": "-", "pt-BR": "pt-BR", "pt-br-x-a": "pt-BR", "fr": "-",
	"fr, en;q=0.5": "en", "en;q=0.2, de;q=0.3": "de", "de;q=0, *": "en", "de;q=0": "-", "*;q=0": "-", "fr, *;q=0.1": "de",
	"en;q=999": "de", "en;q=NaN": "de", "en;qq=1": "en", "123": "de", ";;;": "de", ",,,en": "en", "en_GB": "de", "toolongsubtag": "de", "de-": "de",
}

func languages(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/", func(c *tako.Context) error {
			in, err := tako.Extract[extract.AcceptLanguage](c)
			if err != nil {
				return err
			}
			lang, ok := in.Match("de", "en", "pt-BR")
			return c.Text(200, "lang="+lang+"\nok="+map[bool]string{true: "true", false: "false"}[ok]+"\n")
		})
	})
	for field, want := range spoken {
		var lines []string
		if field != "" {
			lines = []string{"Accept-Language: " + field}
		}
		ok := "true"
		if want == "-" {
			want, ok = "de", "false"
		}
		if r := s.get("/", 200, lines...); r.line("lang") != want || r.line("ok") != ok {
			x.Errorf("Accept-Language %q: got %q, want %s %s", field, r.body, want, ok)
		}
	}
	s.get("/", 200, "Accept-Language: "+strings.Repeat("en,", 5000))
	if got := s.get("/", 200, "Accept-Language: fr", "Accept-Language: en").line("lang"); got != "en" {
		x.Errorf("two lines: got %q", got)
	}
}

func acceptsAnything(x *T) {
	s := x.serve(tako.Limits{}, acceptRoutes)
	for _, accept := range []string{"", ",", ";", "q=1", "*", "*/html", "text/html;q=", "text/html;q=1.0001", "\xff\xff", strings.Repeat("a/b,", 2000), "text/html;;;;q=1", "image/png"} {
		for _, line := range []string{"Accept: ", "Accept-Language: ", "Accept-Encoding: "} {
			s.get("/encode", 200, line+accept)
		}
	}
}
