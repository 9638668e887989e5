package tako_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type account struct {
	Name string `json:"name" form:"name"`
	Age  int    `json:"age" form:"age"`
}

func (a account) Validate(context.Context) error {
	if a.Name == "bad" {
		return errors.New("the name is bad")
	}
	return nil
}

type pointerAccount account

func (a *pointerAccount) Validate(context.Context) error {
	if a.Name == "bad" {
		return errors.New("the name is bad")
	}
	return nil
}

// bodyWays are the ways to take the same JSON body; each answers with it.
var bodyWays = map[string]func(r *tako.Router, pattern string, options ...tako.Option){
	"body": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in struct{ Body account }) (account, error) { return in.Body, nil }, o...)
	},
	"pointer": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in struct{ Body *account }) (*account, error) { return in.Body, nil }, o...)
	},
	"pointer method": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in struct{ Body pointerAccount }) (account, error) {
			return account(in.Body), nil
		}, o...)
	},
	"pointer to pointer method": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in struct{ Body *pointerAccount }) (*account, error) {
			return (*account)(in.Body), nil
		}, o...)
	},
	"json": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in struct{ J tako.JSON[account] }) (account, error) { return in.J.Value, nil }, o...)
	},
	"whole": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in tako.JSON[pointerAccount]) (account, error) { return account(in.Value), nil }, o...)
	},
	"json pointer": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in tako.JSON[*account]) (*account, error) { return in.Value, nil }, o...)
	},
	"optional": func(r *tako.Router, p string, o ...tako.Option) {
		tako.Post(r, p, func(_ context.Context, in struct {
			J tako.Optional[tako.JSON[account]]
		}) (account, error) {
			return in.J.Value.Value, nil
		}, o...)
	},
	"raw": func(r *tako.Router, p string, o ...tako.Option) {
		r.Post(p, func(c *tako.Context) error {
			body, err := tako.Extract[tako.JSON[account]](c)
			if err != nil {
				return err
			}
			return c.JSON(200, body.Value)
		}, o...)
	},
	"embedded": func(r *tako.Router, p string, o ...tako.Option) {
		type inner struct{ Body account }
		tako.Post(r, p, func(_ context.Context, in struct{ inner }) (account, error) { return in.Body, nil }, o...)
	},
}

func TestJSONBody(t *testing.T) {
	t.Parallel()
	recordLogs()
	const kind = "application/json"
	for name, register := range bodyWays {
		r := tako.New()
		register(r, "/b")
		s := takotest.New(t, r)
		for _, tt := range []struct {
			kind, body string
			status     int
		}{
			{kind, `{"name":"a","age":1}`, 200},
			{"Application/JSON; charset=utf-8", `{"name":"a","age":1}`, 200},
			{"application/problem+json", ` {"NAME":"a","age":1,"x":[]} ` + "\n", 200},
			{kind, `{"name":"a","age":2,"age":1}`, 400},
			{"application/vnd.a.b+JSON;v=1", `{"name":"a","age":1}`, 200},
			{"", `{"name":"a"}`, 415},
			{"text/plain", `{"name":"a"}`, 415},
			{"application/jsonx", `{"name":"a"}`, 415},
			{"json", `{"name":"a"}`, 415},
			{"application/json, text/plain", `{"name":"a"}`, 415},
			{kind, ``, 400},
			{kind, `  `, 400},
			{kind, `{"name":"a"`, 400},
			{kind, `{"name":"a"} x`, 400},
			{kind, `{"name":"a"}{}`, 400},
			{kind, strings.Repeat("[", 100_000), 400},
			{kind, `{"age":1e999999}`, 400},
			{kind, `{"age":"1"}`, 400},
			{kind, `{"age":1.5}`, 400},
			{kind, "{\"name\":\"\xff\"}", 400},
			{kind, `[]`, 400},
			{kind, `{"name":"bad"}`, 422},
			{kind, `{"name":"` + strings.Repeat("x", tako.DefaultBodyLimit-11) + `"}`, 200},
			{kind, `{"name":"` + strings.Repeat("x", tako.DefaultBodyLimit-10) + `"}`, 413},
		} {
			for _, chunked := range []bool{false, true} {
				edit := takotest.Body(tt.kind, tt.body)
				if chunked {
					edit = takotest.Reader(tt.kind, strings.NewReader(tt.body))
				}
				resp := s.Post("/b", edit)
				want := tt.status
				if tt.kind == kind && tt.body == "" && (name == "optional" || strings.HasPrefix(name, "pointer") && name != "pointer method") {
					want = 200 // no body at all
				}
				if resp.StatusCode != want {
					t.Errorf("%s: %s %.40q, chunked %v: got %d %.200s, want %d", name, tt.kind, tt.body, chunked, resp.StatusCode, resp.Text, want)
					continue
				}
				if want >= 400 {
					for _, internal := range []string{"tako_test", "account", "json:", "Go "} {
						if strings.Contains(resp.Text, internal) {
							t.Errorf("%s: %.40q: got %.200s, want nothing of the program in it", name, tt.body, resp.Text)
						}
					}
				}
				if want == 415 && !strings.Contains(resp.Header.Get("Accept"), "application/json") {
					t.Errorf("%s: got Accept %q, want application/json in it", name, resp.Header.Get("Accept"))
				}
			}
		}
		if got := s.Post("/b", takotest.Body(kind, `null`)); got.StatusCode != 200 && got.StatusCode != 400 && got.StatusCode != 422 {
			t.Errorf("%s: null: got %d %s, want no server error", name, got.StatusCode, got.Text)
		}
		coded := s.Post("/b", takotest.Body(kind, `{}`), takotest.Header("Content-Encoding", "gzip"))
		if coded.StatusCode != 415 || coded.Header.Get("Accept-Encoding") == "" {
			t.Errorf("%s: coded: got %d %v, want 415 with Accept-Encoding", name, coded.StatusCode, coded.Header)
		}
	}
}

func TestJSONBodyNamesTheField(t *testing.T) {
	t.Parallel()
	r := tako.New()
	tako.Post(r, "/", func(_ context.Context, in struct {
		Body struct {
			A struct {
				B []int `json:"b/c"`
			} `json:"a.x"`
		}
	}) (struct{}, error) {
		return struct{}{}, nil
	})
	s := takotest.New(t, r)
	e := s.Post("/", takotest.Body("application/json", `{"a.x":{"b/c":[1,"x"]}}`)).Problem(400)
	if len(e.Fields) != 1 || e.Fields[0].In != "body" || !strings.HasPrefix(e.Fields[0].Name, "/a") {
		t.Errorf("got fields %+v, want one of the body, by pointer", e.Fields)
	}
}

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	ways := map[string]func(r *tako.Router, p string, o ...tako.Option){
		"bytes": func(r *tako.Router, p string, o ...tako.Option) {
			tako.Post(r, p, func(_ context.Context, in struct{ Body []byte }) (int, error) { return len(in.Body), nil }, o...)
		},
		"reader": func(r *tako.Router, p string, o ...tako.Option) {
			tako.Post(r, p, func(_ context.Context, in struct{ Body io.Reader }) (int, error) {
				body, err := io.ReadAll(in.Body)
				return len(body), err
			}, o...)
		},
		"read body": func(r *tako.Router, p string, o ...tako.Option) {
			r.Post(p, func(c *tako.Context) error {
				body, err := c.ReadBody()
				if err != nil {
					return err
				}
				return c.JSON(200, len(body))
			}, o...)
		},
		"one byte a time": func(r *tako.Router, p string, o ...tako.Option) {
			r.Post(p, func(c *tako.Context) error {
				n, one := 0, make([]byte, 1)
				for {
					k, err := c.Body().Read(one)
					n += k
					if err == io.EOF {
						return c.JSON(200, n)
					}
					if err != nil {
						assert.ErrorIs(t, err, tako.ErrBodyTooLarge)
						return err
					}
				}
			}, o...)
		},
	}
	for name, register := range ways {
		overBoth(t, func() *tako.Router {
			r := tako.New()
			r.BodyLimit(10)
			register(r, "/ten")
			register(r, "/five", tako.BodyLimit(5))
			register(r, "/zero", tako.BodyLimit(0))
			register(r, "/all", tako.BodyLimit(tako.NoLimit))
			return r
		}, func(t *testing.T, s *takotest.Server) {
			large := 2 << 20
			if name == "one byte a time" {
				large = 100_000 // as it is slow under the race detector
			}
			for path, limit := range map[string]int{"/ten": 10, "/five": 5, "/zero": 0, "/all": -1} {
				for _, n := range []int{0, limit, limit + 1, large} {
					if n < 0 {
						continue
					}
					body := strings.Repeat("x", n)
					for _, edit := range []takotest.Edit{takotest.Body("a/b", body), takotest.Reader("a/b", strings.NewReader(body))} {
						resp := s.Post(path, edit)
						want := 200
						if limit >= 0 && n > limit {
							want = 413
						}
						if resp.StatusCode != want {
							t.Errorf("%s: %s with %d bytes: got %d, want %d", name, path, n, resp.StatusCode, want)
						}
					}
				}
			}
		})
	}
}

func TestLimitBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Post("/", func(c *tako.Context) error {
		if err := c.LimitBody(3); err != nil {
			return err
		}
		body, err := c.ReadBody()
		if err != nil {
			return err
		}
		if err := c.LimitBody(100); err == nil {
			t.Error("got no error of a limit set after the body was read")
		}
		return c.Bytes(200, "a/b", body)
	})
	s := takotest.New(t, r)
	s.Post("/", takotest.Body("a/b", "123")).Expect(200).ExpectText("123")
	for _, edit := range []takotest.Edit{takotest.Body("a/b", "1234"), takotest.Reader("a/b", strings.NewReader("1234"))} {
		assert.Contains(t, s.Post("/", edit).Problem(413).Detail, " 3 bytes")
	}
}

func TestDeclaredTooLargeReadsNothing(t *testing.T) {
	t.Parallel()
	for name, register := range bodyWays {
		r := tako.New()
		register(r, "/b", tako.BodyLimit(4))
		body := &counting{r: strings.NewReader(`{"a":1}`)}
		resp := takotest.New(t, r).Post("/b", takotest.Body("application/json", `{"a":1}`), func(r *http.Request) { r.Body = io.NopCloser(body) })
		if resp.StatusCode != 413 || body.n != 0 {
			t.Errorf("%s: got %d after %d bytes, want 413 after none", name, resp.StatusCode, body.n)
		}
	}
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) { n, err := c.r.Read(p); c.n += n; return n, err }

func TestFormBody(t *testing.T) {
	t.Parallel()
	type form struct {
		account
		Tags []string `form:"tag"`
		N    int      `form:"n" default:"5"`
		P    *int     `form:"p"`
		Must string   `form:"must" required:"true"`
	}
	r := tako.New()
	tako.Post(r, "/", func(_ context.Context, in tako.Form[form]) (form, error) { return in.Value, nil })
	tako.Post(r, "/field", func(_ context.Context, in struct{ F tako.Form[form] }) (form, error) { return in.F.Value, nil })
	s := takotest.New(t, r)
	const kind = "application/x-www-form-urlencoded"
	for _, path := range []string{"/", "/field"} {
		for _, tt := range []struct {
			kind, body string
			status     int
			want       string
		}{
			{kind, "name=a+b%21&age=3&tag=x&tag=&tag=y%2Cz&must=1", 200, `{"name":"a b!","age":3,"Tags":["x","","y,z"],"N":5,"P":null,"Must":"1"}`},
			{"Application/X-WWW-form-urlencoded; charset=utf-8", "must=1&must=2&n=0&p=0&%6eame=k", 200, `{"name":"k","age":0,"Tags":null,"N":0,"P":0,"Must":"1"}`},
			{kind, "name=a", 422, ""}, {kind, "", 422, ""},
			{kind, "must=1&age=x", 400, ""}, {kind, "must=%zz", 400, ""}, {kind, "must=1&x=%", 400, ""}, {kind, "must=%ff", 400, ""},
			{kind, "must=1" + strings.Repeat("&a=b", 1000), 400, ""},
			{kind, "must=1&name=bad", 422, ""},
			{"multipart/form-data; boundary=x", "--x--", 415, ""}, {"", "must=1", 415, ""}, {"application/json", "{}", 415, ""},
			{kind, "must=" + strings.Repeat("x", tako.DefaultBodyLimit), 413, ""},
		} {
			resp := s.Post(path, takotest.Body(tt.kind, tt.body))
			if resp.StatusCode != tt.status || tt.want != "" && resp.Text != tt.want {
				t.Errorf("%s %s %.40q: got %d %.200s, want %d %s", path, tt.kind, tt.body, resp.StatusCode, resp.Text, tt.status, tt.want)
			}
		}
	}
	s.Post("/", takotest.Form(url.Values{"must": {"1"}, "tag": {"a", "b"}})).Expect(200)
}

func TestOptionalBody(t *testing.T) {
	t.Parallel()
	type in struct {
		J tako.Optional[tako.JSON[account]]
	}
	r := tako.New()
	tako.Post(r, "/json", func(_ context.Context, in in) (bool, error) { return in.J.Present, nil })
	tako.Post(r, "/form", func(_ context.Context, in tako.Optional[tako.Form[account]]) (bool, error) { return in.Present, nil })
	tako.Post(r, "/body", func(_ context.Context, in struct{ Body *account }) (bool, error) { return in.Body != nil, nil })
	s := takotest.New(t, r)
	for _, path := range []string{"/json", "/form", "/body"} {
		s.Post(path).Expect(200).ExpectText("false")
		s.Post(path, takotest.Body("text/plain", "x")).Expect(415)
	}
	s.Post("/json", takotest.JSON(account{Name: "a"})).Expect(200).ExpectText("true")
	s.Post("/body", takotest.JSON(account{Name: "a"})).Expect(200).ExpectText("true")
	s.Post("/form", takotest.Form(url.Values{"name": {"a"}})).Expect(200).ExpectText("true")
	s.Post("/json", takotest.Body("application/json", "{")).Expect(400)
	s.Post("/json", takotest.JSON(account{Name: "bad"})).Expect(422)
	s.Post("/json", takotest.Body("application/json", strings.Repeat(" ", tako.DefaultBodyLimit+1))).Expect(413)
	s.Post("/json", takotest.Reader("application/json", failing(`{"name"`))).Expect(400)
}

func TestRawBodiesAreNew(t *testing.T) {
	t.Parallel()
	var kept [][]byte
	r := tako.New()
	tako.Post(r, "/", func(_ context.Context, in struct{ Body []byte }) (struct{}, error) {
		kept = append(kept, in.Body)
		return struct{}{}, nil
	})
	tako.Post(r, "/raw", func(_ context.Context, in struct{ Body json.RawMessage }) (struct{}, error) {
		kept = append(kept, in.Body)
		return struct{}{}, nil
	})
	s := takotest.New(t, r)
	for i := range 10 {
		want := strings.Repeat(string(rune('0'+i)), 100)
		s.Post("/", takotest.Body("a/b", want)).Expect(204)
		s.Post("/raw", takotest.Body("application/json", "1"+want)).Expect(204)
	}
	for i, body := range kept {
		if want := bytes.Repeat([]byte{byte('0' + i/2)}, 100); !bytes.HasSuffix(body, want) {
			t.Errorf("got body %d %q, want it unchanged", i, body)
		}
	}
}
