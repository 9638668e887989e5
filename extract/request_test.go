package extract

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestParams(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Host("{tenant}.example").Group("/seas/{sea}").Any("/x/{$}", func(c *tako.Context) error {
		p, err := tako.Extract[Params](c)
		assert.Equal(t, p, Params{"tenant": "kiwi", "sea": "a/b"})
		assert.Equal(t, p.Absent(), false)
		return err
	})
	app.Get("/plain", func(c *tako.Context) error {
		p, err := tako.Extract[Params](c)
		assert.Equal(t, p, Params{})
		assert.Equal(t, p.Absent(), true)
		return err
	})
	app.Fallback(func(c *tako.Context) error {
		p, err := tako.Extract[Params](c)
		assert.Equal(t, p, Params{})
		return err
	})
	assert.NoError(t, app.Build())
	for _, target := range []string{"http://kiwi.example/seas/a%2Fb/x/", "/plain", "/none"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		assert.Equal(t, w.Code < 300, true, target, w.Body.String())
	}
}

func TestOriginalURL(t *testing.T) {
	t.Parallel()
	inner := tako.New()
	inner.TrustedProxies("192.0.2.0/24")
	var got string
	inner.Any("/{path...}", func(c *tako.Context) error {
		u, err := tako.Extract[OriginalURL](c)
		if err == nil {
			got = u.URL.String()
		}
		return err
	})
	handler := http.StripPrefix("/api", inner)
	for _, tt := range []struct{ target, want string }{
		{"http://a.example/api/x%2Fy?q=%41", "http://a.example/api/x%2Fy?q=%41"},
		{"http://a.example:8080/api//x/../y", "http://a.example:8080/api//x/../y"},
		{"http://a.example/api/?", "http://a.example/api/?"},
	} {
		got = ""
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", tt.target, nil))
		assert.Equal(t, got, tt.want)
		r := httptest.NewRequest("GET", tt.target, nil)
		r.RequestURI = r.URL.RequestURI()
		r.Header.Set("Forwarded", "proto=https;host=b.example")
		got = ""
		handler.ServeHTTP(httptest.NewRecorder(), r)
		assert.Contains(t, got, "https://b.example/api/")
	}
}

func TestPeerCertificate(t *testing.T) {
	t.Parallel()
	cert, root := new(x509.Certificate), new(x509.Certificate)
	for _, tt := range []struct {
		name   string
		state  *tls.ConnectionState
		absent bool
		ok     bool
	}{
		{"no TLS", nil, true, false},
		{"none", &tls.ConnectionState{}, true, false},
		{"not verified", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}, false, false},
		{"empty chain", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{}}}, false, false},
		{"verified", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}, VerifiedChains: [][]*x509.Certificate{{cert, root}}}, false, true},
	} {
		app := tako.New()
		app.Get("/", func(c *tako.Context) error {
			p, err := tako.Extract[PeerCertificate](c)
			assert.Equal(t, err == nil, tt.ok, tt.name)
			assert.Equal(t, errors.Is(err, tako.ErrAbsent), tt.absent, tt.name)
			if tt.ok {
				assert.Equal(t, p.Certificate == cert && len(p.Chain) == 2, true)
			} else {
				assert.Equal(t, tako.AsError(err).Status, 403, tt.name)
			}
			return err
		})
		r := httptest.NewRequest("GET", "/", nil)
		r.TLS = tt.state
		app.ServeHTTP(httptest.NewRecorder(), r)
	}
	op := new(tako.Operation)
	new(PeerCertificate).Describe(op, "F")
	assert.Equal(t, op.Security[0].Scheme.Type, "mutualTLS")
	assert.Equal(t, op.Failures()[0].Status, 403)
	optional := new(tako.Operation)
	new(tako.Optional[PeerCertificate]).Describe(optional, "F")
	assert.Equal(t, optional.Security[0].Optional, true)
}

var depth = tako.NewKey[int]("depth")

type (
	depthKey struct{}
	noKey    struct{}
)

func (depthKey) Key() tako.Key[int] { return depth }
func (noKey) Key() tako.Key[int]    { return tako.Key[int]{} }

func TestValue(t *testing.T) {
	t.Parallel()
	with(t, "GET", "/", nil, "", func(c *tako.Context) {
		_, err := tako.Extract[Value[int, depthKey]](c)
		assert.ErrorIs(t, err, tako.ErrAbsent)
		assert.Equal(t, tako.AsError(err).Status, 500)
		depth.Set(c, 7)
		v, err := tako.Extract[Value[int, depthKey]](c)
		assert.NoError(t, err)
		assert.Equal(t, v.Value, 7)
		_, err = tako.Extract[Value[int, noKey]](c)
		assert.Equal(t, tako.AsError(err).Status, 500)
		assert.Equal(t, errors.Is(err, tako.ErrAbsent), false)
	})
	_, err := tako.Describes[struct{ V Value[int, noKey] }, struct{}]("GET")
	if err == nil {
		t.Fatal("a key that was never made is no mistake")
	}
	assert.Contains(t, err.Error(), "V: extract.noKey names no key")
	_, err = tako.Describes[struct{ V Value[int, ValueKey[int]] }, struct{}]("GET")
	assert.Equal(t, err != nil, true)
}

func TestRequestsAreWritten(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/?a=1", nil)
	query, host := RawQuery("b=2"), Host("b.example")
	assert.NoError(t, query.EncodeRequest(r))
	assert.NoError(t, host.EncodeRequest(r))
	assert.Equal(t, r.URL.RawQuery, "a=1&b=2")
	assert.Equal(t, r.Host, "b.example")
	r = httptest.NewRequest("GET", "/", nil)
	assert.NoError(t, query.EncodeRequest(r))
	assert.NoError(t, new(RawQuery).EncodeRequest(r))
	assert.Equal(t, r.URL.RawQuery, "b=2")
}

func TestParamsAreWritten(t *testing.T) {
	t.Parallel()
	route := tako.Get(tako.New(), "/seas/{sea}/{rest...}", func(context.Context, Params) (tako.NoContent, error) { return tako.NoContent{}, nil })
	url, err := route.URL(Params{"sea": "a/b", "rest": "c/d e"})
	assert.NoError(t, err)
	assert.Equal(t, url, "/seas/a%2Fb/c/d%20e")
	_, err = route.URL(Params{"sea": "a"})
	assert.Equal(t, err != nil, true, "a parameter is missing")
}

func TestOptionalIsAbsent(t *testing.T) {
	t.Parallel()
	with(t, "GET", "/", nil, "", func(c *tako.Context) {
		accept, err := tako.Extract[tako.Optional[Accept]](c)
		assert.NoError(t, err)
		assert.Equal(t, accept.Present, false)
		body, err := tako.Extract[tako.Optional[Limited[RawBody, small]]](c)
		assert.NoError(t, err)
		assert.Equal(t, body.Present, false)
		scheme, err := tako.Extract[tako.Optional[Scheme]](c)
		assert.NoError(t, err)
		assert.Equal(t, scheme.Present, true)
	})
}
