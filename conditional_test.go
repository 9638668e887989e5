package tako_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

var changedAt = time.Date(2020, 1, 2, 3, 4, 5, 600, time.UTC)

const (
	changedDate = "Thu, 02 Jan 2020 03:04:05 GMT"
	olderDate   = "Thu, 02 Jan 2020 03:04:04 GMT"
)

// precondition is one field of a request with what it says about the state.
type precondition struct {
	name, value string
	holds       bool
}

// wantStatus is RFC 9110, section 13.2.2, as it reads: the fields that are not
// there are nil.
func wantStatus(method string, match, unmodified, noneMatch, modified *precondition) int {
	reads := method == "GET" || method == "HEAD"
	switch {
	case match != nil && !match.holds:
		return 412
	case match == nil && unmodified != nil && !unmodified.holds:
		return 412
	case noneMatch != nil && !noneMatch.holds && reads:
		return 304
	case noneMatch != nil && !noneMatch.holds:
		return 412
	case noneMatch == nil && modified != nil && !modified.holds && reads:
		return 304
	}
	return 200
}

func TestSF05ConditionsInAllCombinations(t *testing.T) {
	t.Parallel()
	recordLogs()
	reached := 0
	r := tako.New()
	r.Any("/", func(c *tako.Context) error {
		c.Header().Set("Cache-Control", "max-age=5")
		c.Header().Set("Content-Type", "a/b")
		c.Header().AddVary("X-Y")
		done, err := c.CheckConditions(tako.Validators{ETag: `"v7"`, LastModified: changedAt})
		if done || err != nil {
			return err
		}
		reached++
		return c.Text(200, "x")
	})
	s := takotest.New(t, r)
	choices := [][]*precondition{
		{nil, {"If-Match", `"a", "v7"`, true}, {"If-Match", `W/"v7"`, false}},
		{nil, {"If-Unmodified-Since", changedDate, true}, {"If-Unmodified-Since", olderDate, false}},
		{nil, {"If-None-Match", `"a"`, true}, {"If-None-Match", `W/"v7"`, false}},
		{nil, {"If-Modified-Since", olderDate, true}, {"If-Modified-Since", changedDate, false}},
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
		for i := range 81 {
			fields := []*precondition{choices[0][i%3], choices[1][i/3%3], choices[2][i/9%3], choices[3][i/27]}
			want := wantStatus(method, fields[0], fields[1], fields[2], fields[3])
			text := method
			before := reached
			resp := s.Do(method, "/", func(req *http.Request) {
				for _, f := range fields {
					if f != nil {
						req.Header.Set(f.name, f.value)
						text += " " + f.name + ": " + f.value
					}
				}
			})
			assert.Equal(t, resp.StatusCode, want, text)
			assert.Equal(t, reached-before, map[bool]int{true: 1}[want == 200], text+" reached the handler")
			read := method == "GET" || method == "HEAD"
			tag := resp.Header.Get("Etag")
			if (tag == `"v7"`) != (read && want != 412) {
				t.Errorf("%s: got tag %q with %d", text, tag, want)
			}
			if want == 304 {
				resp.ExpectText("").ExpectHeader("Last-Modified", changedDate).ExpectHeader("Cache-Control", "max-age=5").
					ExpectHeader("Vary", "X-Y").ExpectHeader("Content-Type", "").ExpectHeader("Content-Length", "")
			}
		}
	}
}

// stateApp answers what CheckConditions says of v; handlers are done on true.
func stateApp(v tako.Validators) *tako.Router {
	r := tako.New()
	r.Any("/", func(c *tako.Context) error {
		done, err := c.CheckConditions(v)
		if done || err != nil {
			return err
		}
		return c.Text(200, fmt.Sprint(c.IfRange(v)))
	})
	return r
}

func TestSF06EntityTags(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []struct {
		own, listed string
		match, none int // statuses for If-Match and If-None-Match
	}{
		{`"v"`, `"v"`, 200, 304},
		{`"v"`, `W/"v"`, 412, 304},
		{`W/"v"`, `"v"`, 412, 304},
		{`W/"v"`, `W/"v"`, 412, 304},
		{`"v"`, `*`, 200, 304},
		{`W/"v"`, `*`, 200, 304},
		{``, `*`, 200, 304},
		{``, `"v"`, 412, 200},
		{``, `""`, 412, 200},
		{`""`, `""`, 200, 304},
		{`"v"`, `"a", "v"`, 200, 304},
		{`"v"`, ` , ,"a" ,	"v",`, 200, 304},
		{`"a,v"`, `"a,v"`, 200, 304},
		{`"v"`, `"a,"v"`, 412, 200},
		{`"v"`, `v`, 412, 200},
		{`"v"`, `"v`, 412, 200},
		{`"v"`, `v"`, 412, 200},
		{`"v"`, `w/"v"`, 412, 200},
		{`"v"`, `"V"`, 412, 200},
		{`"v"`, `"a" "v"`, 412, 200},
		{`"v"`, `"v"x`, 412, 200},
		{`"v"`, `"*"`, 412, 200},
		{`"v"`, `"a", *`, 412, 200},
		{`"v"`, `bad, "v"`, 412, 200},
		{`"v"`, `"a b", "v"`, 412, 200},
	} {
		s := takotest.New(t, stateApp(tako.Validators{ETag: tt.own}))
		about := tt.own + " against " + tt.listed
		assert.Equal(t, s.Get("/", takotest.Header("If-Match", tt.listed)).StatusCode, tt.match, "If-Match: "+about)
		assert.Equal(t, s.Get("/", takotest.Header("If-None-Match", tt.listed)).StatusCode, tt.none, "If-None-Match: "+about)
	}
	lines := func(r *http.Request) { r.Header["If-None-Match"] = []string{`"a"`, `"v"`} }
	takotest.New(t, stateApp(tako.Validators{ETag: `"v"`})).Get("/", lines).Expect(304)
	absent := takotest.New(t, stateApp(tako.Validators{Absent: true}))
	absent.Do("PUT", "/", takotest.Header("If-None-Match", "*")).Expect(200)
	absent.Do("PUT", "/", takotest.Header("If-Match", "*")).Problem(412)
	for _, bad := range []string{"v7", `"v7`, `v7"`, `w/"v7"`, `"a" "b"`, `"a b"`, `W/`, `"`, "\"a\x00\""} {
		takotest.New(t, stateApp(tako.Validators{ETag: bad})).Get("/").Problem(500)
	}
}

func TestSF06Dates(t *testing.T) {
	t.Parallel()
	recordLogs()
	for _, tt := range []struct {
		at                   time.Time
		field                string
		unmodified, modified int // statuses for If-Unmodified-Since and If-Modified-Since
	}{
		{changedAt, changedDate, 200, 304},
		{changedAt, olderDate, 412, 200},
		{changedAt, "Thursday, 02-Jan-20 03:04:05 GMT", 200, 304},
		{changedAt, "Thu Jan  2 03:04:05 2020", 200, 304},
		{changedAt, "Thu Jan  2 03:04:04 2020", 412, 200},
		{changedAt, "Fri, 01 Jan 2100 00:00:00 GMT", 200, 304},
		{changedAt, "yesterday", 200, 200},
		{changedAt, "0", 200, 200},
		{changedAt, changedDate + ", " + changedDate, 200, 200},
		{time.Time{}, changedDate, 200, 200},
		{time.Unix(0, 0), changedDate, 200, 200},
		{time.Unix(1, 0), changedDate, 200, 200}, // as some set all dates
	} {
		s := takotest.New(t, stateApp(tako.Validators{LastModified: tt.at}))
		assert.Equal(t, s.Get("/", takotest.Header("If-Unmodified-Since", tt.field)).StatusCode, tt.unmodified, "If-Unmodified-Since: "+tt.field)
		assert.Equal(t, s.Get("/", takotest.Header("If-Modified-Since", tt.field)).StatusCode, tt.modified, "If-Modified-Since: "+tt.field)
	}
	// A date that is still to come is not sent, since clients would hold it for their own clock's fault.
	ahead := takotest.New(t, stateApp(tako.Validators{LastModified: time.Now().Add(24 * time.Hour)}))
	sent, err := http.ParseTime(ahead.Get("/").Header.Get("Last-Modified"))
	assert.NoError(t, err)
	if sent.After(time.Now()) {
		t.Errorf("got Last-Modified %v, want none ahead of now", sent)
	}
}

func TestSF11IfRange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ own, field, want string }{
		{`"v"`, "", "true"}, {`"v"`, `"v"`, "true"}, {`"v"`, `"w"`, "false"}, {`"v"`, `W/"v"`, "false"}, {`W/"v"`, `W/"v"`, "false"},
		{`W/"v"`, `"v"`, "false"}, {`"v"`, changedDate, "true"}, {`W/"v"`, changedDate, "false"}, {"", changedDate, "true"}, {"", olderDate, "false"}, {`"v"`, olderDate, "false"}, {`"v"`, "Fri, 01 Jan 2100 00:00:00 GMT", "false"},
		{`"v"`, `"v", "w"`, "false"}, {`"v"`, "*", "false"}, {`"v"`, "soon", "false"}, {`"v"`, `"v`, "false"},
	} {
		s := takotest.New(t, stateApp(tako.Validators{ETag: tt.own, LastModified: changedAt}))
		s.Get("/", takotest.Header("If-Range", tt.field)).Expect(200).ExpectText(tt.want)
	}
	takotest.New(t, stateApp(tako.Validators{})).Get("/", takotest.Header("If-Range", changedDate)).ExpectText("false")
	synctest.Test(t, func(t *testing.T) {
		now := time.Now() // it may change again, to the same date
		s := takotest.New(t, stateApp(tako.Validators{LastModified: now}))
		field := takotest.Header("If-Range", now.UTC().Format(http.TimeFormat))
		s.Get("/", field).ExpectText("false")
		time.Sleep(time.Second)
		s.Get("/", field).ExpectText("true")
	})
}

func TestRequireCondition(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Put("/", func(c *tako.Context) error {
		if err := c.RequireCondition(); err != nil {
			return err
		}
		return c.Text(200, "x")
	})
	s := takotest.New(t, r)
	assert.Contains(t, s.Do("PUT", "/").Problem(428).Detail, "If-Match")
	s.Do("PUT", "/", takotest.Header("If-Modified-Since", changedDate)).Problem(428)
	for _, name := range []string{"If-Match", "If-Unmodified-Since", "If-None-Match"} {
		s.Do("PUT", "/", takotest.Header(name, "x")).Expect(200)
	}
}

func TestCheckConditionsTooLate(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Get("/", func(c *tako.Context) error {
		_ = c.WriteHead(200)
		_, err := c.CheckConditions(tako.Validators{})
		assert.ErrorIs(t, err, tako.ErrHeadSent)
		return nil
	})
	takotest.New(t, r).Get("/").Expect(200)
}

type tagged struct {
	Tag  string    `header:"ETag"`
	At   time.Time `header:"Last-Modified"`
	Body account
}

func conditionalApp() *tako.Router {
	r := tako.New()
	answer := func(context.Context, struct{}) (tako.Conditional[account], error) {
		return tako.Conditional[account]{Validators: tako.Validators{ETag: `"v7"`, LastModified: changedAt}, CacheControl: "no-cache", Body: account{"a", 1}}, nil
	}
	tako.Get(r, "/", answer)
	tako.Put(r, "/", answer)
	tako.Get(r, "/stream", func(context.Context, struct{}) (tako.Conditional[tako.Stream], error) {
		return tako.Conditional[tako.Stream]{Validators: tako.Validators{ETag: `"s"`}, Body: tako.Stream{ContentType: "a/b", Body: strings.NewReader("abc")}}, nil
	})
	tako.Get(r, "/fields", func(context.Context, struct{}) (tagged, error) {
		return tagged{`"v7"`, changedAt, account{"a", 1}}, nil
	})
	tako.Get(r, "/xml/fields", func(context.Context, struct{}) (tagged, error) { return tagged{Tag: `"v7"`}, nil }, tako.WithCodec(xmlCodec{}))
	tako.Get(r, "/bad", func(context.Context, struct{}) (tako.Conditional[account], error) {
		return tako.Conditional[account]{Validators: tako.Validators{ETag: "v7"}}, nil
	})
	tako.Get(r, "/xml", answer, tako.WithCodec(xmlCodec{}))
	return r
}

func TestConditionalResult(t *testing.T) {
	t.Parallel()
	recordLogs()
	overBoth(t, conditionalApp, func(t *testing.T, s *takotest.Server) {
		tag := takotest.Header("If-None-Match", `"v7"`)
		for _, path := range []string{"/", "/fields"} {
			s.Get(path).Expect(200).ExpectText(`{"name":"a","age":1}`).ExpectHeader("ETag", `"v7"`).ExpectHeader("Last-Modified", changedDate)
			s.Get(path, tag).Expect(304).ExpectText("").ExpectHeader("ETag", `"v7"`).ExpectHeader("Last-Modified", changedDate).ExpectHeader("Content-Type", "")
			s.Do("HEAD", path, tag).Expect(304)
			s.Get(path, takotest.Header("If-Match", `"v6"`)).Problem(412)
		}
		s.Get("/", tag).Expect(304).ExpectHeader("Cache-Control", "no-cache")
		s.Do("PUT", "/", tag).Expect(200).ExpectHeader("ETag", `"v7"`).ExpectHeader("Cache-Control", "no-cache")
		s.Get("/stream").Expect(200).ExpectText("abc").ExpectHeader("Content-Type", "a/b").ExpectHeader("ETag", `"s"`)
		s.Get("/stream", takotest.Header("If-None-Match", `"s"`)).Expect(304)
		s.Get("/bad").Problem(500)
		for _, path := range []string{"/xml", "/xml/fields"} {
			s.Get(path).Expect(200).ExpectHeader("Vary", "Accept")
			s.Get(path, tag).Expect(304).ExpectHeader("Vary", "Accept")
		}
	})
}

// A field that is to have one value says nothing if it has two, in whatever order.
func TestConditionsRepeated(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, stateApp(tako.Validators{ETag: `"v"`, LastModified: changedAt}))
	for _, tt := range []struct{ name, one, other, want string }{
		{"If-Modified-Since", changedDate, olderDate, "true"},
		{"If-Unmodified-Since", olderDate, changedDate, "true"},
		{"If-Range", `"v"`, `"w"`, "false"},
		{"If-Range", `"v"`, changedDate, "false"},
		{"If-Range", changedDate, changedDate, "false"},
	} {
		for _, lines := range [][]string{{tt.one, tt.other}, {tt.other, tt.one}} {
			s.Get("/", func(r *http.Request) { r.Header[tt.name] = lines }).Expect(200).ExpectText(tt.want)
		}
	}
}
