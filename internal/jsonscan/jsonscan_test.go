package jsonscan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tako-go/tako/internal/assert"
)

var usual = Limits{MaxDepth: 1000, SafeIntegers: true}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text    string
		fault   Fault
		offset  int
		pointer string
	}{
		{`{}`, None, 0, ""}, {" [ ] ", None, 0, ""}, {`"ä€😀\u0041\ud83d\ude00"`, None, 0, ""}, {`-0.5e+10`, None, 0, ""}, {"\tnull\r\n", None, 0, ""},
		{`{"a":{"a":1},"b":[{"a":1},{"a":2}]}`, None, 0, ""},
		{``, Syntax, 0, ""}, {` `, Syntax, 1, ""}, {`{}x`, Syntax, 2, ""}, {`[1,]`, Syntax, 3, "/1"}, {`{"a":tru}`, Syntax, 5, "/a"}, {`{"a" 1}`, Syntax, 5, "/a"},
		{`01`, Syntax, 2, ""}, {`1.`, Syntax, 2, ""}, {`1e`, Syntax, 2, ""}, {`-`, Syntax, 1, ""}, {`{"a":"\q"}`, Syntax, 6, "/a"}, {"\"\n\"", Syntax, 1, ""}, {`"`, Syntax, 1, ""},
		{"{\"a\":[\"\xff\"]}", Encoding, 7, "/a/0"}, {"\"\xed\xa0\x80\"", Encoding, 1, ""}, {"\"\xc0\x80\"", Encoding, 1, ""}, {"\"\xf5\x80\x80\x80\"", Encoding, 1, ""},
		{`{"a":1,"a":2}`, Duplicate, 7, "/a"}, {`{"a":1,"\u0061":2}`, Duplicate, 7, "/a"}, {`[{},{"x/~":1,"b":{"c":1,"d":2,"c":3}}]`, Duplicate, 30, "/1/b/c"},
		{`{"\ud800":1,"\udc00":2}`, Duplicate, 12, "/\ufffd"}, {`{"":1,"":2}`, Duplicate, 6, "/"}, {`{"a/b~":1,"a/b~":2}`, Duplicate, 10, "/a~1b~0"},
		{`[9007199254740991,-9007199254740991,9007199254740992.0,1e99]`, None, 0, ""}, {`[1,9007199254740992]`, Range, 3, "/1"}, {`-100000000000000000`, Range, 0, ""},
		{strings.Repeat("[", 1000) + strings.Repeat("]", 1000), None, 0, ""},
		{strings.Repeat("[", 1001) + strings.Repeat("]", 1001), Depth, 1000, strings.Repeat("/0", 256)},
	} {
		err := Check([]byte(tt.text), usual)
		if tt.fault == None {
			assert.NoError(t, err, tt.text)
			continue
		}
		got, ok := errors.AsType[*Error](err)
		if !ok || *got != (Error{tt.fault, tt.offset, tt.pointer}) || got.Error() == "" {
			t.Errorf("%.100s: got %+v, want %v %d %q", tt.text, got, tt.fault, tt.offset, tt.pointer)
		}
	}
	assert.NoError(t, Check([]byte(`{"a":1,"a":99999999999999999999}`), Limits{MaxDepth: 1, AllowDuplicates: true}))
}

// Objects with many names are checked when they end.
func TestManyNames(t *testing.T) {
	t.Parallel()
	for _, n := range []int{few, few + 1, few + 2, 100, 5000} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"n%d":{"n":1,"m":2},`, i)
		}
		assert.NoError(t, Check([]byte("{"+b.String()+`"last":0}`), usual), n)
		for _, again := range []string{"n0", "n" + strconv.Itoa(n/2), `\u006e` + strconv.Itoa(n-1)} {
			err := Check([]byte("{"+b.String()+`"`+again+`":1}`), usual)
			got, ok := errors.AsType[*Error](err)
			if !ok || got.Fault != Duplicate || got.Offset != b.Len()+1 {
				t.Errorf("%d, %s: got %v, want a duplicate at %d", n, again, err, b.Len()+1)
			}
		}
	}
}

func TestPointer(t *testing.T) {
	t.Parallel()
	const text = ` {"a":[10,{"b":"x"}],"c":{},"d":true}`
	for offset, want := range map[int]string{0: "", 1: "", 3: "/a", 6: "/a", 7: "/a/0", 8: "/a/0", 10: "/a/1", 11: "/a/1/b", 15: "/a/1/b", 18: "/a/1", 19: "/a", 21: "/c", 25: "/c", 33: "/d", 99: ""} {
		if got := Pointer([]byte(text), offset); got != want {
			t.Errorf("%d (%.4s): got %q, want %q", offset, text[min(offset, len(text)):], got, want)
		}
	}
}

// A pointer goes into an answer, so it stays short.
func TestLongPointer(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 600)
	assert.Equal(t, Pointer([]byte(`{"a":{"`+name+`":[1]}}`), 610), "/a")
}

// What is hostile takes no longer than what is not.
func TestHostile(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	var names strings.Builder
	for i := 0; names.Len() < size; i++ {
		fmt.Fprintf(&names, `"%x":0,`, i)
	}
	start := time.Now()
	for _, text := range []string{
		strings.Repeat("[", size), strings.Repeat(`{"":`, size/4), strings.Repeat("[", 999) + `"` + strings.Repeat("a", size) + "\xff",
		"{" + names.String() + `"0":0}`, `"` + strings.Repeat(`\u0061`, size/6), "[" + strings.Repeat("{},", size/3) + "x]",
		"{" + strings.Repeat(`"\u0061":1,`, size/11) + "}",
	} {
		if err := Check([]byte(text), usual); err == nil {
			t.Errorf("%.30s: got no error", text)
		}
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// FuzzCheck compares with encoding/json, which knows neither duplicates nor what
// is not UTF-8.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{}`, `[1,2]`, `{"a":1,"a":2}`, `"\u0061\ud800"`, "\"\xff\"", `-0.1e-7`, `{"a":[{"b":[]}],"\u0062":"x"}`, `[tru]`, "\x00", `{"a":1,}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want := json.Valid(data) && utf8.Valid(data)
		err := Check(data, Limits{MaxDepth: 10000, AllowDuplicates: true})
		if (err == nil) != want {
			t.Fatalf("%q: got %v, want %v", data, err, want)
		}
		if want {
			tokens := json.NewDecoder(strings.NewReader(string(data)))
			tokens.UseNumber()
			if strict := Check(data, Limits{MaxDepth: 10000}); (strict != nil) != repeated(tokens) {
				t.Fatalf("%q: got %v", data, strict)
			}
		}
		for offset := range min(len(data), 64) {
			_ = Pointer(data, offset)
		}
	})
}

// repeated reports whether the next value has a name twice in an object.
func repeated(d *json.Decoder) (twice bool) {
	token, err := d.Token()
	if err != nil {
		return false
	}
	switch token {
	case json.Delim('['):
		for d.More() {
			twice = repeated(d) || twice
		}
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			token, _ := d.Token()
			twice = twice || seen[token.(string)]
			seen[token.(string)] = true
			twice = repeated(d) || twice
		}
	default:
		return false
	}
	_, _ = d.Token()
	return twice
}
