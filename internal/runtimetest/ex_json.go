package runtimetest

import (
	"context"
	"strings"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/simdjson"
)

// badJSON are bodies that must be refused, quickly and in plain words.
var badJSON = map[string]string{
	"empty": "", "white-space": " \n", "cut": `{"text":"a`, "data-behind": `{"text":"a"} junk`, "value-behind": `{"text":"a"}{"text":"b"}`,
	"nested": strings.Repeat("[", 100_000), "nested-objects": strings.Repeat(`{"text":`, 100_000), "huge-number": `{"text":1e999999}`,
	"not-utf-8": "{\"text\":\"\xff\"}", "wrong-kind": `{"text":{"a":1}}`, "wrong-root": `[1,2]`, "control-character": "{\"text\":\"a\x01\"}",
	"single-quotes": `{'text':'a'}`, "comment": `{"text":"a"/*x*/}`, "bad-escape": `{"text":"\x"}`, "byte-order-mark": "\xef\xbb\xbf{}", "nan": `{"text":NaN}`,
}

// leakGo answers failures with what the decoder says inside.
func leakGo(next tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if err := next(c); err != nil {
			return tako.BadRequest("json: cannot unmarshal into Go value of type runtimetest.textBody")
		}
		return nil
	}
}

func badBody(body string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, inputRoutes)
		for _, path := range []string{"/json", "/typed", "/simd"} {
			began := time.Now()
			raw := "POST " + path + " HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body
			r := s.ask(raw, 400)
			for _, inner := range []string{"textBody", "Go value", "Go struct", "runtimetest", "unmarshal", "encoding/json"} {
				if contains(r.body, inner) {
					x.Errorf("%s: the answer tells of the inside: %s", path, r.body)
				}
			}
			if took := time.Since(began); took > 5*time.Second {
				x.Errorf("%s: took %v", path, took)
			}
		}
	}
}

// jsonDuplicates has the documented rule: what one reader takes from the first of two
// equal names and another from the last is refused.
func jsonDuplicates(x *T) {
	s := x.serve(tako.Limits{}, inputRoutes)
	for _, path := range []string{"/json", "/typed", "/simd"} {
		for _, body := range []string{`{"text":"first","text":"last"}`, `{"text":"first","TEXT":"last"}`, `{"text":"first","te\u0078t":"last"}`} {
			if r := s.ask(request("POST", path, body, "Content-Type: application/json"), 400); !contains(r.body, `"name":"/text"`) && !contains(r.body, `"name":"/TEXT"`) {
				x.Errorf("%s: %s: the answer does not name the member: %s", path, body, r.body)
			}
		}
	}
	s.ask(request("POST", "/json", `{"text":"a","unknown":1,"TEXTS":2}`, "Content-Type: application/json"), 200)
}

// jsonPolicy is the other rule, for who wants that of encoding/json: the last of equal names
// wins, case aside.
func jsonPolicy(x *T) {
	allow := tako.JSONConfig{AllowDuplicateNames: true}
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		for path, codec := range map[string]tako.Codec{"/json": tako.JSONCodec{Config: allow}, "/simd": simdjson.Codec{JSON: allow}} {
			tako.Post(app, path, func(_ context.Context, in tako.JSON[textBody]) (string, error) { return in.Value.Text, nil }, tako.WithCodec(codec))
		}
	})
	for _, path := range []string{"/json", "/simd"} {
		for _, body := range []string{`{"text":"first","text":"last"}`, `{"text":"first","TEXT":"last"}`} {
			if got := s.ask(request("POST", path, body, "Content-Type: application/json"), 200).body; got != `"last"` {
				x.Errorf("%s: %s: got %s", path, body, got)
			}
		}
	}
}

// jsonStrict turns each option on.
func jsonStrict(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		for path, config := range map[string]tako.JSONConfig{"known": {DisallowUnknownFields: true}, "flat": {MaxDepth: 3}, "safe": {SafeIntegers: true}} {
			for name, codec := range map[string]tako.Codec{"/json/": tako.JSONCodec{Config: config}, "/simd/": simdjson.Codec{JSON: config}} {
				tako.Post(app, name+path, func(_ context.Context, in tako.JSON[looseBody]) (string, error) { return in.Value.Text, nil }, tako.WithCodec(codec))
			}
		}
	})
	for _, row := range []struct {
		path, body string
		status     int
	}{
		{"known", `{"text":"a","any":1}`, 200}, {"known", `{"text":"a","other":1}`, 400},
		{"flat", `{"any":[[1]]}`, 200}, {"flat", `{"any":[[[1]]]}`, 400}, {"flat", `{"skipped":[[[1]]]}`, 400},
		{"safe", `{"any":9007199254740991}`, 200}, {"safe", `{"any":9007199254740992}`, 400}, {"safe", `{"skipped":[-9007199254740993]}`, 400},
	} {
		for _, name := range []string{"/json/", "/simd/"} {
			s.ask(request("POST", name+row.path, row.body, "Content-Type: application/json"), row.status)
		}
	}
}

// looseBody has a member that may be anything.
type looseBody struct {
	Text string `json:"text"`
	Any  any    `json:"any"`
}

// badBinary are bodies of other codecs that must be refused.
var badBinary = map[string]map[string]string{
	"cbor": {
		"empty": "", "cut": "\xa1\x64text\x63a", "data-behind": "\xa0\xa0", "nested": strings.Repeat("\x81", 100_000), "nested-maps": strings.Repeat("\xa1\x64text", 20_000),
		"not-utf-8": "\xa1\x64text\x61\xff", "wrong-kind": "\xa1\x64text\x01", "wrong-root": "\x81\x01", "name-twice": "\xa2\x64text\x61a\x64text\x61b",
		"huge-length": "\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "huge-text": "\xa1\x64text\x7b\x7f\xff\xff\xff\xff\xff\xff\xff", "no-value": "\xff", "stray-break": "\xa1\xff",
	},
	"msgpack": {
		"empty": "", "cut": "\x81\xa4text\xa3a", "data-behind": "\x80\x80", "nested": strings.Repeat("\x91", 100_000), "nested-maps": strings.Repeat("\x81\xa4text", 20_000),
		"not-utf-8": "\x81\xa4text\xa1\xff", "wrong-kind": "\x81\xa4text\x01", "name-twice": "\x82\xa4text\xa1a\xa4text\xa1b",
		"huge-length": "\xdf\xff\xff\xff\xff", "huge-text": "\x81\xa4text\xdb\xff\xff\xff\xff", "no-value": "\xc1",
	},
	"protobuf": {
		"cut": "\x0a\x05a", "not-utf-8": "\x0a\x01\xff", "huge-length": "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "no-field": "\x00", "stray-end": "\x0c", "long-number": strings.Repeat("\xff", 11),
		"nested": strings.Repeat("\x0b", 100_000),
	},
}

func badBinaries(kind string) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, bodyRoutes)
		for name, body := range badBinary[kind] {
			began := time.Now()
			c := s.dial()
			c.send("POST /" + kind + " HTTP/1.1\r\nHost: a.example\r\nContent-Type: " + bodyKinds[kind] + "\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body)
			r := c.read("POST")
			_ = c.Close()
			if r.status != 400 {
				x.Errorf("%s: got status %d with %s, want 400", name, r.status, r.body)
			}
			for _, inner := range []string{"textBody", "Go value", "Go struct", "runtimetest", "unmarshal", "reflect", "wrapperspb"} {
				if contains(r.body, inner) {
					x.Errorf("%s: the answer tells of the inside: %s", name, r.body)
				}
			}
			if took := time.Since(began); took > 5*time.Second {
				x.Errorf("%s: took %v", name, took)
			}
		}
	}
}
