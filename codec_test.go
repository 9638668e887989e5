package tako_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// xmlCodec is what an application would plug in.
type xmlCodec struct{}

func (xmlCodec) MediaTypes() []string            { return []string{"application/xml", "+xml", "text/xml"} }
func (xmlCodec) Encode(w io.Writer, v any) error { return xml.NewEncoder(w).Encode(v) }
func (xmlCodec) Decode(data []byte, v any) error { return xml.Unmarshal(data, v) }

// refusing is a codec with errors of its own.
type refusing struct{}

func (refusing) MediaTypes() []string { return []string{"text/refuse"} }

func (refusing) Encode(w io.Writer, _ any) error {
	_, _ = io.WriteString(w, "half of it")
	return errBoom
}

func (refusing) Decode(data []byte, _ any) error {
	if string(data) == "own" {
		return tako.Unprocessable("own")
	}
	return errors.New("words for the client")
}

// ownJSON replaces JSON.
type ownJSON struct{ tako.JSONCodec }

func (ownJSON) MediaTypes() []string { return []string{"application/json", "+json"} }

func (ownJSON) Encode(w io.Writer, _ any) error { return ignore(io.WriteString(w, `"own"`)) }

func TestCodecs(t *testing.T) {
	t.Parallel()
	recordLogs()
	r := tako.New()
	r.Codec(xmlCodec{})
	echo := func(_ context.Context, in struct{ Body account }) (account, error) { return in.Body, nil }
	tako.Post(r, "/outer", echo)
	g := r.Group("/g")
	g.Codec(refusing{})
	tako.Post(g, "/inner", echo)
	r.Post("/raw", func(c *tako.Context) error { return c.Encode(202, account{"a", 1}) })
	const asJSON, asXML = `{"name":"a","age":1}`, "<account><Name>a</Name><Age>1</Age></account>"
	overBoth(t, func() *tako.Router { return r }, func(t *testing.T, s *takotest.Server) {
		for _, tt := range []struct {
			path, accept, kind, body string
			status                   int
			gotKind, text            string
		}{
			{"/outer", "application/json", "application/json", asJSON, 200, "application/json", asJSON},
			{"/outer", "application/xml", "application/json", asJSON, 200, "application/xml", asXML},
			{"/outer", "application/json;q=0.5, application/xml;q=0.4", "text/xml; charset=utf-8", asXML, 200, "application/json", asJSON},
			{"/outer", "application/xml;q=0, */*", "application/atom+xml", asXML, 200, "application/json", asJSON},
			{"/outer", "", "application/json", asJSON, 200, "application/xml", asXML},
			{"/outer", "image/png", "application/json", asJSON, 200, "application/xml", asXML},
			{"/outer", "application/xml;q=0", "application/json", asJSON, 200, "application/json", asJSON},
			{"/outer", "application/xml; q=0, image/png", "application/json", asJSON, 200, "application/json", asJSON},
			{"/outer", "application/xml;q=0, application/json;q=0", "application/json", asJSON, 200, "application/xml", asXML},
			{"/outer", "*/*;q=0", "application/json", asJSON, 200, "application/xml", asXML},
			{"/outer", "*/*", "application/json", "{", 400, "application/problem+json", ""},
			{"/outer", "*/*", "application/xml", "<a", 400, "application/problem+json", ""},
			{"/outer", "*/*", "text/refuse", "x", 415, "application/problem+json", ""},
			{"/outer", "*/*", "application/xml", "<a><Name>bad</Name></a>", 422, "application/problem+json", ""},
			{"/g/inner", "application/xml", "text/refuse", "own", 422, "application/problem+json", ""},
			{"/g/inner", "application/xml", "text/refuse", "x", 400, "application/problem+json", ""},
			{"/g/inner", "text/refuse", "application/json", asJSON, 500, "application/problem+json", ""},
			{"/raw", "application/json", "", "", 202, "application/json", asJSON},
			{"/raw", "text/*, application/xml;q=0.1", "", "", 202, "application/xml", asXML},
		} {
			resp := s.Post(tt.path, takotest.Body(tt.kind, tt.body), takotest.Header("Accept", tt.accept))
			about := tt.path + " " + tt.accept + " " + tt.kind
			if got := resp.Header.Get("Content-Type"); resp.StatusCode != tt.status || got != tt.gotKind || tt.status < 400 && resp.Text != tt.text {
				t.Errorf("%s: got %d %q %s, want %d %q %s", about, resp.StatusCode, got, resp.Text, tt.status, tt.gotKind, tt.text)
			}
			if tt.status < 300 && resp.Header.Get("Vary") != "Accept" {
				t.Errorf("%s: got Vary %q, want Accept", about, resp.Header.Get("Vary"))
			}
			if tt.status == 415 {
				assert.Equal(t, resp.Header.Get("Accept"), "application/xml, application/json")
			}
			if strings.Contains(resp.Text, "boom") || strings.Contains(resp.Text, "half") {
				t.Errorf("%s: got %s, want nothing of the failure in it", about, resp.Text)
			}
		}
	})
}

func TestCodecReplacesJSON(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Codec(ownJSON{})
	tako.Post(r, "/", func(_ context.Context, in tako.JSON[account]) (account, error) { return in.Value, nil })
	s := takotest.New(t, r)
	s.Post("/", takotest.JSON(account{"a", 1})).Expect(200).ExpectText(`"own"`).ExpectHeader("Content-Type", "application/json")
	s.Post("/", takotest.JSON(account{"a", 1}), takotest.Header("Accept", "image/png")).Expect(200).ExpectText(`"own"`)
}

func TestCodecMistakes(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Codec(nil)
	r.Codec(noTypes{})
	if err := r.Build(); err == nil || strings.Count(err.Error(), "codec without a media type") != 2 {
		t.Errorf("got %v, want two mistakes", err)
	}
}

type noTypes struct{ tako.JSONCodec }

func (noTypes) MediaTypes() []string { return nil }

func TestJSONCodec(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	assert.NoError(t, tako.JSONCodec{}.Encode(&buf, map[string]any{"a": "<&>\u2028"}))
	assert.Equal(t, buf.String(), `{"a":"<&>\u2028"}`)
	if err := (tako.JSONCodec{}).Encode(&buf, func() {}); err == nil {
		t.Error("got no error of a function")
	}
	for _, tt := range []struct{ in, want string }{
		{`{"NAME":"b","age":1,"other":[1,{}]}`, "{b 1} <nil>"},
		{`{"name":"a","NAME":"b"}`, "a name twice"}, {`{"name":"a","name":"b"}`, "a name twice"}, {`{"other":{"a":1,"a":2}}`, "a name twice"},
		{" \t\r\n{}\n", "{ 0} <nil>"},
		{"null", "{ 0} <nil>"},
		{"", "empty"}, {"\n", "empty"}, {"\xef\xbb\xbf{}", "malformed"}, {"{}{}", "malformed"}, {"{\"name\":\"\xc0\x80\"}", "UTF-8"}, {`{"age":"x"}`, "wrong kind"},
		{`{"name":"\ud800"}`, "{\ufffd 0} <nil>"},
	} {
		var got account
		err := tako.JSONCodec{}.Decode([]byte(tt.in), &got)
		if err == nil && fmt.Sprint(got, err) != tt.want || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v %v, want %s", tt.in, got, err, tt.want)
		}
		if err != nil && tako.AsError(err).Status != 400 {
			t.Errorf("%q: got status %d, want 400", tt.in, tako.AsError(err).Status)
		}
	}
}

func TestCodecsByManyAtOnce(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Codec(xmlCodec{})
	tako.Post(r, "/", func(_ context.Context, in struct{ Body account }) (account, error) { return in.Body, nil })
	s := takotest.New(t, r)
	errs := make(chan error, 8)
	for i := range 8 {
		go func() {
			name := strings.Repeat(string(rune('a'+i)), 1000*i)
			for range 50 {
				resp, err := s.Client.Post(s.URL+"/", "application/json", strings.NewReader(`{"name":"`+name+`"}`))
				if err == nil {
					var body []byte
					if body, err = io.ReadAll(resp.Body); string(body) != "<account><Name>"+name+"</Name><Age>0</Age></account>" {
						err = fmt.Errorf("another answer: %.100s", body)
					}
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 8 {
		assert.NoError(t, <-errs)
	}
}
