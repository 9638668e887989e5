package tako_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// signedIn has every kind of part.
type signedIn struct {
	Status  int          `status:"200, 202,204"`
	Total   int          `header:"X-Total" doc:"how many there are"`
	Expires *time.Time   `header:"Expires"`
	Session string       `cookie:"session,Max-Age=60,SameSite=Strict" doc:"who it is"`
	Theme   *http.Cookie `cookie:"theme,HttpOnly=false,Path=/ui"`
	Body    account
}

type statusOnly struct {
	Status int `status:"202,205"`
}

type cookieOnly struct {
	A http.Cookie `cookie:"a"`
	B string      `cookie:"__Host-b"`
	C string      `cookie:"c,Secure=false"`
	D string      `cookie:"d,Domain=reefs.example,Secure"`
}

type statusOfAny struct {
	Status int `status:"201"`
	Body   any
}

type emptyBody struct {
	Total int `header:"X-Total"`
	Body  struct{}
}

func TestResultParts(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []struct {
		name     string
		register func(r *tako.Router)
		status   int
		text     string
		fields   map[string]string
		cookies  []string
	}{
		{"defaults", result(signedIn{Body: account{"a", 1}}, nil), 200, `{"name":"a","age":1}`, map[string]string{"X-Total": "0", "Expires": ""}, nil},
		{"all", result(signedIn{Status: 202, Total: 3, Expires: &changedAt, Session: "s", Theme: &http.Cookie{Value: "dark", MaxAge: 5}}, nil), 202,
			`{"name":"","age":0}`, map[string]string{"X-Total": "3", "Expires": changedDate},
			[]string{"session=s; Path=/; Max-Age=60; HttpOnly; SameSite=Strict", "theme=dark; Path=/ui; Max-Age=5; SameSite=Lax"}},
		{"no content", result(signedIn{Status: 204, Total: 3, Body: account{"a", 1}}, nil), 204, "", map[string]string{"X-Total": "3", "Content-Type": ""}, nil},
		{"status that is not listed", result(signedIn{Status: 201, Session: "s", Total: 3}, nil), 500, "", map[string]string{"X-Total": ""}, nil},
		{"status alone", result(statusOnly{}, nil), 202, "", map[string]string{"Content-Length": "0"}, nil},
		{"reset content", result(statusOnly{205}, nil), 205, "", nil, nil},
		{"status of a Responder", result(statusOfAny{Body: valueResponder{"v"}}, nil), 203, "v", nil, nil},
		{"status of nothing", result(statusOfAny{}, nil), 201, "null", nil, nil},
		{"empty body", result(emptyBody{Total: 1}, nil), 204, "", map[string]string{"X-Total": "1"}, nil},
		{"cookies", result(cookieOnly{A: http.Cookie{Value: "1"}, B: "2", C: "3", D: "4"}, nil), 204, "", nil, []string{
			"a=1; Path=/; HttpOnly; SameSite=Lax", "__Host-b=2; Path=/; HttpOnly; Secure; SameSite=Lax", "c=3; Path=/; HttpOnly; SameSite=Lax",
			"d=4; Path=/; Domain=reefs.example; HttpOnly; Secure; SameSite=Lax"}},
		{"cookie of another name", result(cookieOnly{A: http.Cookie{Name: "z"}}, nil), 204, "", nil, []string{"z=; Path=/; HttpOnly; SameSite=Lax"}},
		{"cookie removed", result(cookieOnly{A: http.Cookie{MaxAge: -1, Path: "/p", Domain: "x.example"}}, nil), 204, "", nil, []string{
			"a=; Path=/p; Domain=x.example; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax"}},
		{"cookie with a line end", result(cookieOnly{A: http.Cookie{Value: "1"}, C: "a\r\nX-Evil: 1"}, nil), 500, "", map[string]string{"X-Evil": ""}, nil},
		{"cookie with a semicolon", result(cookieOnly{A: http.Cookie{Value: "1"}, C: "a; Domain=evil"}, nil), 500, "", nil, nil},
		{"cookie of SameSite=None", result(cookieOnly{A: http.Cookie{Value: "1", SameSite: http.SameSiteNoneMode}}, nil), 500, "", nil, nil},
		{"cookie with a prefix and Domain", result(cookieOnly{A: http.Cookie{Name: "__Host-a", Value: "1", Domain: "x.example"}}, nil), 500, "", nil, nil},
		{"body that fails", result(struct {
			Total   int    `header:"X-Total"`
			Session string `cookie:"session"`
			Body    any
		}{1, "s", func() {}}, nil), 500, "", map[string]string{"X-Total": ""}, nil},
	} {
		overBoth(t, func() *tako.Router { r := tako.New(); tt.register(r); return r }, func(t *testing.T, s *takotest.Server) {
			resp := s.Get("/")
			if resp.StatusCode != tt.status || resp.StatusCode < 400 && resp.Text != tt.text {
				t.Errorf("%s: got %d %q, want %d %q", tt.name, resp.StatusCode, resp.Text, tt.status, tt.text)
			}
			for name, value := range tt.fields {
				resp.ExpectHeader(name, value)
			}
			assert.Equal(t, fmt.Sprintf("%q", resp.Header["Set-Cookie"]), fmt.Sprintf("%q", tt.cookies), tt.name)
		})
	}
}

func TestStatusThatIsNotListedIsLogged(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	tako.Get(r, "/unlisted-status", func(context.Context, struct{}) (signedIn, error) { return signedIn{Status: 201}, nil })
	takotest.New(t, r).Get("/unlisted-status").Problem(500)
	assert.Contains(t, strings.Join(logsOf("/unlisted-status"), " "), "signedIn has status 201, and its tag allows [200 202 204]")
}

func TestCA01CookiesAreSecureUnderTLS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, peer, proto string
		tls, want         bool
	}{
		{"plain", "198.51.100.7:1", "", false, false},
		{"TLS", "198.51.100.7:1", "", true, true},
		{"trusted proxy", "10.0.0.1:1", "https", false, true},
		{"somebody's word", "198.51.100.7:1", "https", false, false},
	} {
		r := tako.New()
		r.TrustedProxies("10.0.0.0/8")
		result(cookieOnly{A: http.Cookie{Value: "1"}, C: "3"}, nil)(r)
		req := httptest.NewRequest("GET", "/", nil)
		req.RemoteAddr = tt.peer
		req.Header.Set("X-Forwarded-Proto", tt.proto)
		if tt.tls {
			req.TLS = &tls.ConnectionState{}
		}
		w := httptest.NewRecorder()
		built(t, r).ServeHTTP(w, req)
		cookies := w.Result().Cookies()
		assert.Equal(t, cookies[0].Secure, tt.want, tt.name)
		assert.Equal(t, cookies[1].Secure, false, tt.name+", Secure=false")
	}
}

func TestResultMistakes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		register func(r *tako.Router)
		want     string
	}{
		"channel": {result(make(chan int), nil), "chan int cannot be encoded: return a value"},
		"stray field": {result(struct {
			A int `header:"A"`
			B int
		}{}, nil), ".B of the result is neither a header field nor Body: give it a header, cookie or status tag"},
		"two tags": {result(struct {
			A int `header:"A" status:"200"`
		}{}, nil), ".A of the result has more than one of the tags"},
		"unexported": {result(struct {
			a string `cookie:"a"`
		}{}, nil), ".a of the result cannot be sent as a header field, cookie or status: it is unexported"},
		"header type": {result(struct {
			A []byte `header:"A"`
		}{}, nil), "its type []uint8 is no text; use a string"},
		"header name": {result(struct {
			A string `header:"A B"`
		}{}, nil), `"A B" is no name of one`},
		"header twice": {result(struct {
			A string `header:"a"`
			B string `header:"A"`
		}{}, nil), ".B of the result sets the header field A, which another field sets already"},
		"Set-Cookie": {result(struct {
			A string `header:"set-cookie"`
		}{}, nil), `use the tag cookie:"name"`},
		"body type": {result(struct {
			A    string `header:"a"`
			Body chan int
		}{}, nil), "which cannot be encoded"},
		"status type": {result(struct {
			A uint `status:"200"`
		}{}, nil), "has type uint: make it an int"},
		"status tag": {result(struct {
			A int `status:"ok"`
		}{}, nil), `has the status tag "ok": list the statuses it may have`},
		"status 304": {result(struct {
			A int `status:"304"`
		}{}, nil), `has the status tag "304"`},
		"empty status": {result(struct {
			A int `status:""`
		}{}, nil), `has the status tag ""`},
		"two statuses": {result(struct {
			A int `status:"200"`
			B int `status:"200"`
		}{}, nil), ".B of the result holds the status, which field A holds already"},
		"status of a stream": {result(struct {
			A    int `status:"200"`
			Body tako.Stream
		}{}, nil), "has no effect: Body is a tako.Stream, which chooses the status itself"},
		"cookie type": {result(struct {
			A int `cookie:"a"`
		}{}, nil), "has type int: make it a string or an http.Cookie"},
		"cookie name": {result(struct {
			A string `cookie:"a b"`
		}{}, nil), "invalid Cookie.Name"},
		"cookie attribute": {result(struct {
			A string `cookie:"a,Lifetime=5"`
		}{}, nil), `the cookie attribute "Lifetime=5": Path, Domain, Max-Age`},
		"cookie age": {result(struct {
			A string `cookie:"a,Max-Age=1h"`
		}{}, nil), "a number of seconds above 0 is expected"},
		"SameSite": {result(struct {
			A string `cookie:"a,SameSite=off"`
		}{}, nil), "Lax, Strict or None is expected"},
		"SameSite=None": {result(struct {
			A string `cookie:"a,SameSite=None"`
		}{}, nil), "SameSite=None needs Secure"},
		"Secure": {result(struct {
			A string `cookie:"a,Secure=perhaps"`
		}{}, nil), "true or false is expected"},
		"__Host-": {result(struct {
			A string `cookie:"__host-a,Path=/x"`
		}{}, nil), "the name __host-a needs Path=/ and no Domain"},
		"Partitioned": {result(struct {
			A string `cookie:"a,Partitioned"`
		}{}, nil), "partitioned cookies must be set with Secure"},
		"cookie twice": {result(struct {
			A, B string `cookie:"a"`
		}{}, nil), ".B of the result sets the cookie a, which another field sets already"},
		"parts in Created":     {result(tako.Created[headersOnly]{}, nil), "headersOnly.Etag has a header tag, which has no effect in the Body of tako.Created"},
		"parts in Conditional": {result(tako.Conditional[statusOnly]{}, nil), "statusOnly.Status has a status tag"},
	} {
		r := tako.New()
		tt.register(r)
		err := r.Build()
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "_test.go:") {
			t.Errorf("%s: got %v, want a mistake with %q and the place", name, err, tt.want)
		}
	}
}

// described returns the responses of an operation as text.
func described(op *tako.Operation) string {
	var b strings.Builder
	for _, r := range op.Responses {
		fmt.Fprint(&b, r.Status)
		if r.Type != nil {
			fmt.Fprint(&b, " ", r.Type)
		}
		if len(r.Media) > 0 {
			fmt.Fprint(&b, " ", r.Media)
		}
		for _, h := range r.Header {
			fmt.Fprint(&b, " ", h.Name, ":", h.Type)
		}
		b.WriteString("; ")
	}
	for _, f := range op.Failures() {
		fmt.Fprint(&b, f.Status, "; ")
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// describing is a Responder that tells what it answers.
type describing struct{}

func (describing) Respond(c *tako.Context) error { return c.Text(203, "x") }

func (describing) DescribeOutput(op *tako.Operation) {
	op.AddResponse(tako.Response{Status: 203, Media: []string{"text/plain"}})
}

func outputOf[O any](t *testing.T, method string, options ...tako.Option) string {
	t.Helper()
	r := tako.New()
	route := tako.Handle(r, method, "/", resultOf[O], options...)
	assert.NoError(t, r.Build())
	return described(route.Operation())
}

func TestResultsDescribeThemselves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ got, want string }{
		{outputOf[account](t, "GET"), "200 tako_test.account"},
		{outputOf[*account](t, "GET"), "200 *tako_test.account"},
		{outputOf[any](t, "GET"), "200 interface {}"},
		{outputOf[[]int](t, "GET"), "200 []int"},
		{outputOf[struct{}](t, "GET"), "204"},
		{outputOf[tako.NoContent](t, "GET"), "204"},
		{outputOf[tako.Created[int]](t, "POST"), "201 int Location:string"},
		{outputOf[*tako.Accepted[int]](t, "POST"), "202 int Location:string"},
		{outputOf[tako.Redirect](t, "GET"), "303 Location:string"},
		{outputOf[tako.Stream](t, "GET"), "200 [application/octet-stream]"},
		{outputOf[tako.Stream](t, "GET", tako.ReturnsMedia(200, "a picture", "image/png")), "200 [image/png]"},
		{outputOf[tako.HTML](t, "GET"), "200 [text/html]"},
		{outputOf[tako.File](t, "POST"), "200 [application/octet-stream] Etag:string Last-Modified:string"},
		{outputOf[tako.File](t, "GET"), "200 [application/octet-stream] Etag:string Last-Modified:string; 206 [application/octet-stream multipart/byteranges] Etag:string Last-Modified:string; 304 Etag:string Last-Modified:string Cache-Control:string; 412; 416"},
		{outputOf[tako.Conditional[int]](t, "PUT"), "200 int Etag:string Last-Modified:string Cache-Control:string"},
		{outputOf[tako.Conditional[int]](t, "GET"), "200 int Etag:string Last-Modified:string Cache-Control:string; 304 Etag:string Last-Modified:string Cache-Control:string; 412"},
		{outputOf[signedIn](t, "POST"), "200 tako_test.account X-Total:int Expires:*time.Time Set-Cookie:string; 202 tako_test.account X-Total:int Expires:*time.Time Set-Cookie:string; 204 X-Total:int Expires:*time.Time Set-Cookie:string"},
		{outputOf[statusOnly](t, "POST"), "202; 205"},
		{outputOf[emptyBody](t, "POST"), "204 X-Total:int"},
		{outputOf[tagged](t, "GET"), "200 tako_test.account Etag:string Last-Modified:time.Time; 304 Etag:string Last-Modified:string Cache-Control:string; 412"},
		{outputOf[struct {
			A    string `header:"A"`
			Body tako.Stream
		}](t, "GET"), "200 [application/octet-stream] A:string"},
		{outputOf[describing](t, "GET"), "203 [text/plain]"},
		{outputOf[valueResponder](t, "GET"), ""},
		{outputOf[tako.Responder](t, "GET"), ""},
		{outputOf[valueResponder](t, "GET", tako.Returns[int](203, "")), "203 int"},
	} {
		assert.Equal(t, tt.got, tt.want)
	}
	op, err := tako.Describes[struct{}, signedIn]("POST")
	assert.NoError(t, err)
	assert.Equal(t, op.Responses[0].Header[0].Doc, "how many there are")
	assert.Equal(t, op.Responses[0].Header[2].Doc, "cookies session: who it is; theme")
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	tako.Get(r, "/own", func(context.Context, struct{}) (string, error) { return "x", nil }, tako.WithCodec(ownJSON{}))
	tako.Get(r, "/", func(context.Context, struct{}) (string, error) { return "x", nil }, tako.WithCodec(xmlCodec{}))
	r.Get("/error", func(*tako.Context) error { return tako.Conflict("no") })
	s := takotest.New(t, r)
	s.Get("/own", takotest.Header("Accept", "text/plain")).Expect(200).ExpectHeader("Vary", "").ExpectHeader("Content-Type", "application/json")
	for accept, want := range map[string]string{
		"": "application/xml", "*/*": "application/xml", "application/json": "application/json", "application/*": "application/xml",
		"application/xml;q=0, */*": "application/json", "application/xml;q=0.1, application/json;q=0.2": "application/json",
		"text/plain": "application/xml", "*/*;q=0": "application/xml", "application/*;q=0.5, application/json;q=0": "application/xml",
		"application/json;q=0, application/xml;q=0": "application/xml", "nonsense": "application/xml", "*/json": "application/xml",
		"application/json;q=2": "application/xml", "application/json;charset=utf-8": "application/json", "APPLICATION/JSON": "application/json",
	} {
		s.Get("/", takotest.Header("Accept", accept)).Expect(200).ExpectHeader("Content-Type", want).ExpectHeader("Vary", "Accept")
	}
	for accept, want := range map[string]string{
		"": "application/problem+json", "application/json": "application/problem+json", "text/plain": "text/plain; charset=utf-8",
		"text/*": "text/plain; charset=utf-8", "image/png": "application/problem+json", "*/*;q=0": "application/problem+json",
		"application/problem+json;q=0, */*": "text/plain; charset=utf-8", "text/html, */*;q=0.8": "application/problem+json",
	} {
		s.Get("/error", takotest.Header("Accept", accept)).Expect(409).ExpectHeader("Content-Type", want).ExpectHeader("Vary", "Accept")
	}
}

// source is a body that tells when it was closed.
type source struct {
	io.Reader
	closed *int
}

func (s source) Close() error { *s.closed++; return nil }

func TestResultBodiesAreClosed(t *testing.T) {
	t.Parallel()
	recordLogs()
	for name, answer := range map[string]func(io.Reader) tako.Responder{
		"stream": func(r io.Reader) tako.Responder { return &tako.Stream{Body: r} },
		"file":   func(r io.Reader) tako.Responder { return &tako.File{Body: r} },
	} {
		closed := 0
		r := tako.New()
		tako.Get(r, "/{how}", func(_ context.Context, in struct {
			C   *tako.Context
			How string `path:"how"`
		}) (tako.Stream, error) {
			body := source{strings.NewReader("abc"), &closed}
			if in.How == "written" {
				return tako.Stream{Body: body}, in.C.Text(200, "own")
			}
			return tako.Stream{}, answer(body).Respond(in.C)
		})
		s := takotest.New(t, r)
		s.Get("/own").Expect(200).ExpectText("abc")
		s.Do("HEAD", "/own").Expect(200)
		assert.Equal(t, closed, 2, name)
		s.Get("/written").Expect(200).ExpectText("own")
		assert.Equal(t, closed, 3, name)
	}
}
