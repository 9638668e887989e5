package jwt

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestObject(t *testing.T) {
	t.Parallel()
	many := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"n%d":%d,`, i, i)
		}
		return "{" + b.String() + last + "}"
	}
	fine := []string{"{}", " {\t} ", `{"a":1}`, `{"a" : {"b":[1,"}",{"c":"\\\""}]} , "d":null}`, `{"":""}`, `{"e\u0078p":-1.5e3}`, `{"a":true,"b":[]}`, many(`"x":1`)}
	for _, text := range fine {
		got, err := parseObject([]byte(text))
		assert.NoError(t, err, text)
		var want map[string]json.RawMessage
		assert.NoError(t, json.Unmarshal([]byte(text), &want))
		assert.Equal(t, len(got), len(want), text)
		for name, raw := range want {
			assert.Equal(t, string(got.get(name)), string(raw), text)
		}
	}
	for _, text := range []string{"", " ", "null", "[]", "7", `"a"`, "{", `{"a"}`, `{"a":1,}`, `{"a":1} x`, "{\"\xff\":1}", `{"a":1,"a":1}`, `{"a":1,"A":1}`,
		`{"k":1,"` + "\u212a" + `":1}`, `{"exp":1,"e\u0078p":1}`, many(`"n7":1`), many(`"N7":1`)} {
		got, err := parseObject([]byte(text))
		assert.ErrorIs(t, err, ErrInvalid, text)
		assert.Equal(t, len(got), 0, text)
	}
}

// FuzzObject compares with encoding/json.
func FuzzObject(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a" : {"b":[1,"}",{"c":"\\\""}]} , "d":null}`, `{"a":1,"A":2}`, `[{}]`, `{"a":"\ud800"}`, "", "{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseObject([]byte(text))
		var want map[string]json.RawMessage
		failed := json.Unmarshal([]byte(text), &want)
		if err != nil {
			return // also for what encoding/json takes: doubled names, null, invalid UTF-8
		}
		if failed != nil || len(got) != len(want) {
			t.Fatalf("%q: %d members, encoding/json has %d (%v)", text, len(got), len(want), failed)
		}
		for name, raw := range want {
			if string(got.get(name)) != string(raw) {
				t.Errorf("%q: %q is %q, not %q", text, name, got.get(name), raw)
			}
		}
	})
}
