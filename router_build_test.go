package tako_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// mistakesOf builds r and returns its mistakes. Every one must name this file.
func mistakesOf(t *testing.T, r *tako.Router) string {
	t.Helper()
	err := r.Build()
	var mistakes tako.RegistrationErrors
	if !errors.As(err, &mistakes) {
		t.Errorf("got error %v of type %T, want mistakes", err, err)
		return ""
	}
	_, file, _, _ := runtime.Caller(1)
	place := regexp.MustCompile(`(^|/)` + regexp.QuoteMeta(path.Base(file)) + `:[1-9][0-9]*$`)
	for _, m := range mistakes {
		if !place.MatchString(m.Location) {
			t.Errorf("mistake %q is placed at %q, want this file", m.Message, m.Location)
		}
		assert.Contains(t, err.Error(), m.Error())
		assert.ErrorIs(t, err, m)
	}
	return err.Error()
}

type codecWithoutType struct{ tako.JSONCodec }

func (codecWithoutType) MediaTypes() []string { return nil }

func TestBuildMistakes(t *testing.T) {
	t.Parallel()
	h := says("x")
	pass := tag("x")
	tests := []struct {
		name string
		set  func(r *tako.Router)
		want string
	}{
		{"pattern without slash", func(r *tako.Router) { r.Get("a", h) }, `must begin with "/"`},
		{"empty pattern", func(r *tako.Router) { r.Get("", h) }, `must begin with "/"`},
		{"pattern of a group without slash", func(r *tako.Router) { r.Group("/api").Get("users", h) }, `must begin with "/"`},
		{"pattern of a child without slash", func(r *tako.Router) {
			child := tako.New()
			child.Get("users", h)
			r.Mount("/api", child)
		}, `must begin with "/"`},
		{"method in the pattern", func(r *tako.Router) { r.Get("GET /a", h) }, "argument of its own"},
		{"bad segment", func(r *tako.Router) { r.Get("/a{b}", h) }, "whole segment"},
		{"parameter twice", func(r *tako.Router) { r.Get("/{a}/{a}", h) }, "twice"},
		{"parameter of the prefix again", func(r *tako.Router) { r.Group("/{a}").Get("/{a}", h) }, "twice"},
		{"parameter of the host again", func(r *tako.Router) { r.Host("{a}.example.com").Get("/{a}", h) }, "twice"},
		{"not ASCII", func(r *tako.Router) { r.Get("/é", h) }, "not ASCII"},
		{"same route", func(r *tako.Router) { r.Get("/a", h); r.Get("/a", h) }, "conflicts with GET /a at"},
		{"same shape", func(r *tako.Router) { r.Get("/{a}", h); r.Get("/{b}", h) }, "conflicts with GET /{a} at"},
		{"same rest", func(r *tako.Router) { r.Get("/{a...}", h); r.Get("/{b...}", h) }, "conflicts with"},
		{"same normal form", func(r *tako.Router) { r.Get("/%61", h); r.Get("/a", h) }, "conflicts with"},
		{"same end", func(r *tako.Router) { r.Get("/a/{$}", h); r.Get("/a/", h) }, "conflicts with"},
		{"same any", func(r *tako.Router) { r.Any("/a", h); r.Any("/a", h) }, "conflicts with"},
		{"same through groups", func(r *tako.Router) { r.Group("/a").Get("/b", h); r.Get("/a/b", h) }, "conflicts with"},
		{"same host", func(r *tako.Router) { r.Host("a.com").Get("/", h); r.Get("A.com/", h) }, "conflicts with"},
		{"mounted twice at one place", func(r *tako.Router) {
			child := tako.New()
			child.Get("/x", h)
			r.Mount("/a", child)
			r.Mount("/a", child)
		}, "conflicts with"},
		{"method with a space", func(r *tako.Router) { r.Handle("GE T", "/", h) }, "cannot be routed"},
		{"CONNECT", func(r *tako.Router) { r.Handle("CONNECT", "/", h) }, "cannot be routed"},
		{"nil handler", func(r *tako.Router) { r.Get("/a", nil) }, "handler is nil"},
		{"nil fallback", func(r *tako.Router) { r.Fallback(nil) }, "nil"},
		{"nil error handler", func(r *tako.Router) { r.OnError(nil) }, "nil"},
		{"nil middleware", func(r *tako.Router) { r.Use(pass, nil) }, "middleware is nil"},
		{"nil middleware of a group", func(r *tako.Router) { r.Group("/a", nil) }, "middleware is nil"},
		{"nil middleware of a host", func(r *tako.Router) { r.Host("a.com", nil) }, "middleware is nil"},
		{"nil middleware of a route", func(r *tako.Router) { r.Get("/a", h, tako.With(nil)) }, "middleware is nil"},
		{"nil option", func(r *tako.Router) { r.Get("/a", h, nil) }, "nil"},
		{"nil child", func(r *tako.Router) { r.Mount("/a", nil) }, "nil"},
		{"nil codec", func(r *tako.Router) { r.Codec(nil) }, "codec"},
		{"codec without type", func(r *tako.Router) { r.Codec(codecWithoutType{}) }, "codec without a media type"},
		{"fallback twice", func(r *tako.Router) { r.Fallback(h); r.Fallback(h) }, "fallback set twice"},
		{"two fallbacks for a prefix", func(r *tako.Router) { r.Group("/a").Fallback(h); r.Group("/a").Fallback(h) }, "two fallbacks"},
		{"error handler twice", func(r *tako.Router) { r.OnError(tako.RenderError); r.OnError(tako.RenderError) }, "set twice"},
		{"timeout twice", func(r *tako.Router) { r.Timeout(1); r.Timeout(1) }, "timeout set twice"},
		{"negative timeout", func(r *tako.Router) { r.Timeout(-1) }, "negative"},
		{"negative timeout of a route", func(r *tako.Router) { r.Get("/", h, tako.Timeout(-1)) }, "negative"},
		{"timeout of a route twice", func(r *tako.Router) { r.Get("/", h, tako.Timeout(time.Hour), tako.Timeout(time.Minute)) }, "twice"},
		{"body limit twice", func(r *tako.Router) { r.BodyLimit(1); r.BodyLimit(2) }, "body limit set twice"},
		{"negative body limit", func(r *tako.Router) { r.BodyLimit(-2) }, "negative"},
		{"negative body limit of a route", func(r *tako.Router) { r.Get("/", h, tako.BodyLimit(-2)) }, "negative"},
		{"body limit of a route twice", func(r *tako.Router) { r.Get("/", h, tako.BodyLimit(1), tako.BodyLimit(2)) }, "twice"},
		{"slash policy twice", func(r *tako.Router) { r.TrailingSlash(tako.SlashSame); r.TrailingSlash(tako.SlashSame) }, "set twice"},
		{"unknown slash policy", func(r *tako.Router) { r.TrailingSlash(9) }, "unknown trailing slash policy"},
		{"unknown slash policy of a route", func(r *tako.Router) { r.Get("/a", h, tako.TrailingSlash(9)) }, "unknown trailing slash policy"},
		{"slash policy of a route twice", func(r *tako.Router) {
			r.Get("/a", h, tako.TrailingSlash(tako.SlashSame), tako.TrailingSlash(tako.SlashRedirect))
		}, "twice"},
		{"proxies that are none", func(r *tako.Router) { r.TrustedProxies("10.0.0.0/8", "proxy.local", "10.0.0.0/33", "") }, "neither a network nor an address"},
		{"mapped network", func(r *tako.Router) { r.TrustedProxies("::ffff:10.0.0.0/104") }, "neither"},
		{"proxies on a group", func(r *tako.Router) { r.Group("/a").TrustedProxies("10.0.0.1") }, "not on a group"},
		{"fields of proxies on a group", func(r *tako.Router) { r.Group("/a").Forwarding(tako.ForwardingX) }, "not on a group"},
		{"unknown fields of proxies", func(r *tako.Router) { r.Forwarding(3) }, "unknown Forwarding 3"},
		{"fields of proxies on a child", func(r *tako.Router) {
			child := tako.New()
			child.Forwarding(tako.ForwardingX)
			r.Mount("/a", child)
		}, "trusted proxies"},
		{"proxies on a child", func(r *tako.Router) {
			child := tako.New()
			child.TrustedProxies("10.0.0.1")
			r.Mount("/a", child)
		}, "trusted proxies"},
		{"prefix without slash", func(r *tako.Router) { r.Group("a").Get("/", h) }, `must begin with "/"`},
		{"prefix with a slash at its end", func(r *tako.Router) { r.Group("/a/").Get("/", h) }, `must not end with "/"`},
		{"prefix that is a slash", func(r *tako.Router) { r.Mount("/", tako.New()) }, `must not end with "/"`},
		{"prefix with a rest", func(r *tako.Router) { r.Group("/{a...}").Get("/", h) }, "must not hold a parameter for the rest"},
		{"prefix with an end", func(r *tako.Router) { r.Group("/a/{$}").Get("/", h) }, "must not hold"},
		{"prefix that is malformed", func(r *tako.Router) { r.Group("/a{b}") }, "whole segment"},
		{"prefix with dots", func(r *tako.Router) { r.Mount("/a/..", tako.New()) }, "can never match"},
		{"mounted in itself", func(r *tako.Router) { r.Mount("/a", r) }, "mounted inside itself"},
		{"mounted in a circle", func(r *tako.Router) {
			child := tako.New()
			child.Group("/b").Mount("/c", r)
			r.Mount("/a", child)
		}, "mounted inside itself"},
		{"mounted group", func(r *tako.Router) { r.Mount("/a", tako.New().Group("/b")) }, "is a group"},
		{"host with a port", func(r *tako.Router) { r.Host("a.com:80").Get("/", h) }, "port does not belong there"},
		{"host with a star", func(r *tako.Router) { r.Host("*.a.com").Get("/", h) }, "no host name"},
		{"host with a path", func(r *tako.Router) { r.Host("a.com/x").Get("/", h) }, "no host name"},
		{"host with a dot at its end", func(r *tako.Router) { r.Host("a.com.").Get("/", h) }, "no host name"},
		{"host that is empty", func(r *tako.Router) { r.Host("").Get("/", h) }, "host"},
		{"host with a bad parameter", func(r *tako.Router) { r.Host("{a-b}.com").Get("/", h) }, "no {name}"},
		{"host with half a parameter", func(r *tako.Router) { r.Host("{a.com").Get("/", h) }, "no {name}"},
		{"host parameter for a part", func(r *tako.Router) { r.Host("x{a}.com").Get("/", h) }, "no host name"},
		{"host twice the parameter", func(r *tako.Router) { r.Host("{a}.{a}.com").Get("/", h) }, "twice"},
		{"host in a host", func(r *tako.Router) { r.Host("a.com").Host("b.com").Get("/", h) }, "inside host"},
		{"host pattern in a host", func(r *tako.Router) { r.Host("a.com").Get("b.com/", h) }, "inside host"},
		{"host of a child in a host", func(r *tako.Router) {
			child := tako.New()
			child.Host("b.com").Get("/x", h)
			r.Host("a.com").Mount("/m", child)
		}, "inside host"},
		{"host with other names", func(r *tako.Router) { r.Host("{a}.com").Get("/x", h); r.Host("{b}.com").Get("/y", h) }, "other parameter names"},
		{"name twice", func(r *tako.Router) { r.Get("/a", h, tako.Name("n")); r.Get("/b", h, tako.Name("n")) }, `name "n" is taken by GET /a at`},
		{"value twice", func(r *tako.Router) { tako.Supply(r, 1); tako.Supply(r, 2) }, "supplied twice"},
		{"too many parameters", func(r *tako.Router) {
			g := r
			for i := range 9 {
				g = g.Group(fmt.Sprintf("/{a%d}/{b%d}", i, i))
			}
			g.Get("/x", h)
		}, "at most 16"},
		{"mistake of a child", func(r *tako.Router) {
			child := tako.New()
			child.Use(nil)
			r.Mount("/a", child)
			r.Mount("/b", child)
		}, "middleware is nil"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("got panic %v, want a mistake with %q", v, tt.want)
				}
			}()
			r := tako.New()
			tt.set(r)
			assert.Contains(t, mistakesOf(t, r), tt.want)
			if rawRequest(r, "GET", "/").Code != 500 || len(r.Routes()) != 0 {
				t.Errorf("a router with mistakes serves")
			}
		})
	}
}

// All mistakes come back at once, each with the line of its own call.
func TestBuildReportsAllMistakesWithTheirLines(t *testing.T) {
	t.Parallel()
	_, _, line, _ := runtime.Caller(0)
	r := tako.New()
	r.Get("bad", says("x"))    // line + 2
	r.Post("/a", nil)          // line + 3
	g := r.Group("/g/")        // line + 4
	g.Use(tag("x"), nil)       // line + 5
	g.Timeout(-1)              // line + 6
	tako.Supply(g, 1)          //
	tako.Supply(g, 2)          // line + 8
	tako.Get(r, "/typed/{id}", // line + 9
		func(context.Context, struct{}) (string, error) { return "", nil })
	child := tako.New()
	child.Put("/{x", says("x")) // line + 12
	r.Mount("/child", child)
	r.Host("a.b:1").Get("/x", says("x")) // line + 14
	err := r.Build()
	for _, n := range []int{2, 3, 4, 5, 6, 8, 9, 12, 14} {
		assert.Contains(t, fmt.Sprint(err), fmt.Sprintf("router_build_test.go:%d: ", line+n))
	}
	assert.Equal(t, fmt.Sprint(r.Build()), fmt.Sprint(err), "building again")
}

func TestLateRegistrationIsReported(t *testing.T) {
	t.Parallel()
	type in struct{}
	tests := []struct {
		name string
		set  func(r, g *tako.Router)
	}{
		{"route", func(r, _ *tako.Router) { r.Get("/late", says("late")) }},
		{"typed route", func(r, _ *tako.Router) {
			tako.Get(r, "/late", func(context.Context, in) (string, error) { return "late", nil })
		}},
		{"route of a group", func(_, g *tako.Router) { g.Get("/late", says("late")) }},
		{"middleware", func(r, _ *tako.Router) { r.Use(tag("late")) }},
		{"group", func(r, _ *tako.Router) { r.Group("/x") }},
		{"host", func(r, _ *tako.Router) { r.Host("a.com") }},
		{"mount", func(r, _ *tako.Router) { r.Mount("/x", tako.New()) }},
		{"fallback", func(r, _ *tako.Router) { r.Fallback(says("late")) }},
		{"error handler", func(r, _ *tako.Router) { r.OnError(tako.RenderError) }},
		{"timeout", func(r, _ *tako.Router) { r.Timeout(1) }},
		{"body limit", func(_, g *tako.Router) { g.BodyLimit(1) }},
		{"slash policy", func(r, _ *tako.Router) { r.TrailingSlash(tako.SlashSame) }},
		{"codec", func(r, _ *tako.Router) { r.Codec(tako.JSONCodec{}) }},
		{"proxies", func(r, _ *tako.Router) { r.TrustedProxies("10.0.0.1") }},
		{"fields of proxies", func(r, _ *tako.Router) { r.Forwarding(tako.ForwardingX) }},
		{"supply", func(r, _ *tako.Router) { tako.Supply(r, "late") }},
		{"provide", func(r, _ *tako.Router) {
			tako.Provide(r, func(context.Context, in) (string, error) { return "late", nil })
		}},
		{"override", func(r, _ *tako.Router) {
			tako.Override(r, func(context.Context) (string, error) { return "late", nil })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := tako.New()
			g := r.Group("/g")
			r.Get("/", says("x"))
			built(t, r)
			tt.set(r, g)
			err := mistakesOf(t, r)
			assert.Contains(t, err, "after it was built")
			assert.Equal(t, strings.Count(err, "after it was built"), 1, "times it is reported")
			assert.Equal(t, rawRequest(r, "GET", "/").Body.String(), "x", "what was built goes on")
			assert.Equal(t, rawRequest(r, "GET", "/late").Code, 404)
			assert.Equal(t, rawRequest(r, "GET", "/").Header().Get("Trace"), "")
		})
	}
}

// What is registered on a mounted router after the router around it was built
// would never be served there.
func TestLateRegistrationOnAChildIsReported(t *testing.T) {
	t.Parallel()
	child, r := tako.New(), tako.New()
	r.Mount("/child", child)
	built(t, r)
	child.Get("/late", says("late"))
	assert.Equal(t, rawRequest(r, "GET", "/child/late").Code, 404)
	assert.Contains(t, mistakesOf(t, r), "after it was built")
}

type (
	extractedTwice struct{}
	cyclicA        struct{}
	cyclicB        struct{}
	unprovided     struct{ X int }
	suppliedStore  interface{ Store() }
)

type inputOf[T any] struct{ F T }

func takes[I any](context.Context, I) (string, error) { return "", nil }

func TestBuildTypedMistakes(t *testing.T) {
	t.Parallel()
	type embedded struct {
		ID string `path:"id"`
	}
	tests := []struct {
		name string
		set  func(r *tako.Router)
		want string
	}{
		{"input that is no struct", func(r *tako.Router) { tako.Get(r, "/", takes[int]) }, "must be a struct or an Extractor"},
		{"pointer input", func(r *tako.Router) { tako.Get(r, "/", takes[*embedded]) }, "must be a struct"},
		{"nil handler", func(r *tako.Router) {
			tako.Get(r, "/", (func(context.Context, struct{}) (string, error))(nil))
		}, "handler is nil"},
		{"unexported field", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				x string `query:"x"`
			}])
		}, "x is unexported"},
		{"unexported field without source", func(r *tako.Router) { tako.Get(r, "/", takes[struct{ x string }]) }, "x is unexported"},
		{"two sources", func(r *tako.Router) {
			tako.Get(r, "/{x}", takes[struct {
				X string `path:"x" query:"x"`
			}])
		}, "more than one source"},
		{"no source", func(r *tako.Router) { tako.Get(r, "/", takes[struct{ X unprovided }]) }, "no source"},
		{"embedded pointer", func(r *tako.Router) { tako.Get(r, "/{id}", takes[struct{ *embedded }]) }, "embedded"},
		{"form tag", func(r *tako.Router) {
			tako.Post(r, "/", takes[struct {
				X string `form:"x"`
			}])
		}, "tako.Form[T]"},
		{"file tag", func(r *tako.Router) {
			tako.Post(r, "/", takes[struct {
				X string `file:"x"`
			}])
		}, "form"},
		{"empty name", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X string `query:""`
			}])
		}, "empty name"},
		{"type that cannot be read", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X map[string]int `query:"x"`
			}])
		}, "cannot be read from a query"},
		{"list in the path", func(r *tako.Router) {
			tako.Get(r, "/{x}", takes[struct {
				X []string `path:"x"`
			}])
		}, "cannot be read from a path"},
		{"pointer to a pointer", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X **int `query:"x"`
			}])
		}, "cannot be read"},
		{"default that does not parse", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X int `query:"x" default:"ten"`
			}])
		}, `default "ten"`},
		{"default out of range", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X uint8 `query:"x" default:"256"`
			}])
		}, "out of range"},
		{"default of a list", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X []int `query:"x" default:"1"`
			}])
		}, "can have no default"},
		{"default of a pointer", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X *int `query:"x" default:"1"`
			}])
		}, "can have no default"},
		{"one query parameter in two fields", func(r *tako.Router) {
			tako.Get(r, "/", takes[struct {
				X string `query:"x"`
				Y int    `query:"x"`
			}])
		}, `"x"`},
		{"missing path parameter", func(r *tako.Router) { tako.Get(r, "/{id}", takes[struct{}]) }, `path parameter "id"`},
		{"extra path parameter", func(r *tako.Router) { tako.Get(r, "/", takes[embedded]) }, `path parameter "id"`},
		{"path parameter in another case", func(r *tako.Router) { tako.Get(r, "/{ID}", takes[embedded]) }, `path parameter "id"`},
		{"two bodies", func(r *tako.Router) {
			tako.Post(r, "/", takes[struct {
				Body string
				J    tako.JSON[int]
			}])
		}, "only one can"},
		{"three bodies", func(r *tako.Router) {
			tako.Post(r, "/", takes[struct {
				A tako.JSON[int]
				B tako.Form[struct{}]
				C tako.Optional[tako.JSON[int]]
			}])
		}, "A, B, C all read the request body"},
		{"missing supply", func(r *tako.Router) { tako.Get(r, "/", takes[inputOf[tako.State[suppliedStore]]]) }, "tako.Supply"},
		{"supply in a sibling", func(r *tako.Router) {
			tako.Supply(r.Group("/a"), 1)
			tako.Get(r.Group("/b"), "/", takes[inputOf[tako.State[int]]])
		}, "tako.Supply"},
		{"query of no struct", func(r *tako.Router) { tako.Get(r, "/", takes[tako.Query[int]]) }, "no struct with query tags"},
		{"query field without tag", func(r *tako.Router) { tako.Get(r, "/", takes[tako.Query[struct{ X int }]]) }, "no query tag"},
		{"query field with a path tag", func(r *tako.Router) { tako.Get(r, "/{id}", takes[tako.Query[embedded]]) }, "no query tag"},
		{"form field without tag", func(r *tako.Router) { tako.Post(r, "/", takes[tako.Form[struct{ X int }]]) }, "no form tag"},
		{"form with a bad default", func(r *tako.Router) {
			tako.Post(r, "/", takes[tako.Form[struct {
				X int `form:"x" default:"y"`
			}]])
		}, "invalid default"},
		{"result that is a channel", func(r *tako.Router) {
			tako.Get(r, "/", func(context.Context, struct{}) (chan int, error) { return nil, nil })
		}, "cannot be encoded"},
		{"result with a stray field", func(r *tako.Router) {
			tako.Get(r, "/", func(context.Context, struct{}) (out struct {
				X string `header:"X-X"`
				Y int
			}, err error) {
				return
			})
		}, "neither a header field nor Body"},
		{"result with a stray field first", func(r *tako.Router) {
			tako.Get(r, "/", func(context.Context, struct{}) (out struct {
				Y int
				X string `header:"X-X"`
			}, err error) {
				return
			})
		}, "neither a header field nor Body"},
		{"result with a header that cannot be sent", func(r *tako.Router) {
			tako.Get(r, "/", func(context.Context, struct{}) (out struct {
				X io.Reader `header:"X-X"`
			}, err error) {
				return
			})
		}, "cannot be sent as a header field"},
		{"provider without source", func(r *tako.Router) { tako.Provide(r, takes[struct{ X unprovided }]) }, "no source"},
		{"provider of an extractor", func(r *tako.Router) {
			tako.Provide(r, func(context.Context, struct{}) (v tako.JSON[int], err error) { return })
		}, "cannot be provided"},
		{"provider that reads the body", func(r *tako.Router) { tako.Provide(r, takes[struct{ Body string }]) }, "reads the request body"},
		{"provider that is nil", func(r *tako.Router) {
			tako.Provide(r, (func(context.Context, struct{}) (unprovided, error))(nil))
		}, "nil"},
		{"provided twice", func(r *tako.Router) { tako.Provide(r, takes[struct{}]); tako.Provide(r, takes[struct{}]) }, "provided twice"},
		{"provider of a parameter that is not there", func(r *tako.Router) { tako.Provide(r.Group("/a"), takes[embedded]) }, `path parameter "id"`},
		{"provider of a supply that is not there", func(r *tako.Router) {
			tako.Provide(r, takes[inputOf[tako.State[suppliedStore]]])
		}, "needs a supplied value"},
		{"providers in a circle", func(r *tako.Router) {
			tako.Provide(r, func(context.Context, inputOf[cyclicB]) (v cyclicA, err error) { return })
			tako.Provide(r, func(context.Context, inputOf[cyclicA]) (v cyclicB, err error) { return })
		}, "need each other"},
		{"provider of itself", func(r *tako.Router) {
			tako.Provide(r, func(context.Context, inputOf[extractedTwice]) (v extractedTwice, err error) { return })
		}, "need each other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("got panic %v, want a mistake with %q", v, tt.want)
				}
			}()
			r := tako.New()
			tt.set(r)
			assert.Contains(t, mistakesOf(t, r), tt.want)
		})
	}
}
