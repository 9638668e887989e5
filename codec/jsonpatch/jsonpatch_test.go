package jsonpatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/jsonpatch"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

type user struct {
	Name  string            `json:"name" minLength:"1" required:"true"`
	Age   int               `json:"age"`
	Tags  []string          `json:"tags,omitempty"`
	Extra map[string]any    `json:"extra,omitempty"`
	Links map[string]string `json:"links,omitempty"`
}

func (u *user) Validate(context.Context) error {
	if u.Age > 150 {
		return errors.New("too old")
	}
	return nil
}

func start() user {
	return user{Name: "octopus", Age: 7, Tags: []string{"a", "b"}, Extra: map[string]any{"big": 9007199254740993.0}}
}

// app answers with the user, patched.
func app() *tako.Router {
	r := tako.New()
	tako.Patch(r, "/user", func(ctx context.Context, in struct{ Patch jsonpatch.Patch[user] }) (user, error) {
		u := start()
		err := in.Patch.Apply(ctx, &u)
		if err != nil && !reflect.DeepEqual(u, start()) {
			return user{}, fmt.Errorf("a patch that failed has changed the value: %w", err)
		}
		return u, err
	})
	tako.Patch(r, "/optional", func(_ context.Context, in tako.Optional[jsonpatch.Patch[user]]) (bool, error) { return in.Present, nil })
	tako.Patch(r, "/any", func(ctx context.Context, in struct{ Patch jsonpatch.Patch[any] }) (any, error) {
		var v any = map[string]any{"foo": []any{"bar", nil}, "a/b": map[string]any{"m~n": 1.0}, "s": strings.Repeat("x", 1000)}
		err := in.Patch.Apply(ctx, &v)
		return v, err
	})
	return r
}

func TestPatch(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, app())
	const merge, patch = jsonpatch.MergeType, jsonpatch.PatchType
	for _, tt := range []struct {
		kind, body string
		status     int
		want       string // part of the answer
	}{
		{merge, `{"age":8}`, 200, `{"name":"octopus","age":8,"tags":["a","b"],"extra":`},
		{merge, `{"tags":null,"extra":null}`, 200, `{"name":"octopus","age":7}`},
		{merge, `{"links":{"a":"b","c":null},"extra":null,"tags":["z"]}`, 200, `{"name":"octopus","age":7,"tags":["z"],"links":{"a":"b"}}`},
		{merge + "; charset=utf-8", `{}`, 200, `"octopus"`},
		{merge, `[1]`, 422, "wrong kind"}, {merge, `{"name":""}`, 422, "minLength"}, {merge, `{"age":200}`, 422, "too old"},
		{merge, `{"age":"x"}`, 422, "/age"}, {merge, `{"nope":1}`, 422, "/nope"},
		{merge, `{"age":1,"age":2}`, 400, "/age"}, {merge, `{`, 400, "malformed"}, {merge, ``, 400, "empty"},
		{patch, `[{"op":"replace","path":"/age","value":8},{"op":"add","path":"/tags/-","value":"c"},{"op":"remove","path":"/tags/0"},{"op":"remove","path":"/extra"}]`, 200, `{"name":"octopus","age":8,"tags":["b","c"]}`},
		{patch, `[{"op":"test","path":"/name","value":"octopus"},{"op":"move","from":"/tags/0","path":"/tags/1"},{"op":"copy","from":"/tags","path":"/extra/copy"}]`, 200, `"tags":["b","a"],"extra":{"big":9007199254740992,"copy":["b","a"]}`},
		{patch, `[]`, 200, `"octopus"`},
		{patch, `[{"op":"test","path":"/age","value":8}]`, 409, "test"},
		{patch, `[{"op":"replace","path":"/age","value":8},{"op":"remove","path":"/nope"}]`, 409, "path"},
		{patch, `[{"op":"remove","path":"/tags/9"}]`, 409, "path"}, {patch, `[{"op":"remove","path":"/tags/-1"}]`, 409, "path"}, {patch, `[{"op":"add","path":"/no/where","value":1}]`, 409, "path"},
		{patch, `[{"op":"add","path":"/nope","value":1}]`, 422, "/nope"}, {patch, `[{"op":"remove","path":"/name"}]`, 422, "name"}, {patch, `[{"op":"add","path":"/age","value":151}]`, 422, "too old"},
		{patch, `[{"op":"test","path":"/nope","value":null}]`, 409, "path"}, {patch, `[{"op":"test","path":"/tags/2","value":null}]`, 409, "path"}, {patch, `[{"op":"remove","path":"/tags"},{"op":"test","path":"/tags","value":null}]`, 409, "path"},
		{patch, `[{"op":"test","path":"/age","value":7.0},{"op":"test","path":"/age","value":70e-1},{"op":"test","path":"/name","value":"oct\u006fpus"}]`, 200, "octopus"}, {patch, `[{"op":"test","path":"/age","value":7.01}]`, 409, "test"}, {patch, `[{"op":"test","path":"/age","value":-7}]`, 409, "test"}, {patch, `[{"op":"test","path":"/age","value":"7"}]`, 409, "test"},
		{patch, `[{"op":"add","path":"/tags/01","value":"x"}]`, 409, "path"}, {patch, `[{"op":"add","path":"/tags/+1","value":"x"}]`, 409, "path"}, {patch, `[{"op":"test","path":"/tags/00","value":"a"}]`, 409, "path"}, {patch, `[{"op":"replace","path":"/tags/-","value":"x"}]`, 409, "path"}, {patch, `[{"op":"add","path":"/tags/3","value":"x"}]`, 409, "path"},
		{patch, `[{"op":"add","path":"/tags/2","value":"x"}]`, 200, `["a","b","x"]`}, {patch, `[{"op":"move","from":"/extra","path":"/extra/x"}]`, 409, "path"}, {patch, `[{"op":"move","from":"/age","path":"/age"}]`, 200, `"age":7`}, {patch, `[{"op":"remove","path":""}]`, 409, "path"},
		{patch, `[{"op":"add","path":"/extra/","value":1},{"op":"add","path":"/extra/01","value":2},{"op":"test","path":"/extra/","value":1}]`, 200, `{"":1,"01":2,"big"`}, {patch, `[{"op":"test","path":"/extra","value":{"big":9007199254740992}}]`, 200, "octopus"},
		{patch, `[{"op":"replace","path":"","value":{"name":"new","age":1}},{"op":"replace","path":"/age","value":2}]`, 200, `{"name":"new","age":2}`}, {patch, `[{"op":"replace","path":"/tags/2","value":"x"}]`, 409, "path"},
		{patch, `{"age":8}`, 400, "list"}, {patch, `null`, 400, "list"}, {patch, `[1]`, 400, "/0"}, {patch, `[{"path":"/a","value":1}]`, 400, "no op"}, {patch, `[{"op":"what","path":"/a"}]`, 400, "not known"},
		{patch, `[{"op":"add","path":"/age"}]`, 400, "no value"}, {patch, `[{"op":"add","path":"age","value":1}]`, 400, "pointer"}, {patch, `[{"op":"add","path":"/a~2","value":1}]`, 400, "pointer"},
		{patch, `[{"op":"copy","path":"/age"}]`, 400, "from"}, {patch, `[{"op":"add","path":null,"value":1}]`, 400, "pointer"}, {patch, `[{"op":"remove","op":"add","path":"/a"}]`, 400, "twice"},
		{patch, "[" + strings.Repeat(`{"op":"test","path":"/age","value":7},`, jsonpatch.MaxOperations) + `{"op":"test","path":"/age","value":7}]`, 400, "operations"},
		{"application/json", `{}`, 415, "expected"},
	} {
		resp := s.Do("PATCH", "/user", takotest.Body(tt.kind, tt.body))
		if resp.StatusCode != tt.status || !strings.Contains(resp.Text, tt.want) {
			t.Errorf("%.150s: got %d %s, want %d %s", tt.body, resp.StatusCode, resp.Text, tt.status, tt.want)
		}
		if strings.Contains(resp.Text, "jsonpatch") || strings.Contains(resp.Text, "user{") {
			t.Errorf("%.150s: got %s, want nothing of the inside", tt.body, resp.Text)
		}
		if tt.status == 415 {
			assert.Equal(t, resp.Header.Get("Accept-Patch"), merge+", "+patch)
		}
	}
	s.Do("PATCH", "/optional").Expect(200).ExpectText("false")
	s.Do("PATCH", "/user").Expect(400)
	s.Do("PATCH", "/user", takotest.Body(merge, `{}`), takotest.Header("Content-Encoding", "gzip")).Expect(415)
}

// The limits of what a small patch may grow to.
func TestGrowth(t *testing.T) {
	t.Parallel()
	s := takotest.New(t, app())
	double := `[{"op":"add","path":"/l","value":[]}`
	for range 40 {
		double += `,{"op":"copy","from":"/s","path":"/l/-"},{"op":"copy","from":"/l","path":"/l/-"}`
	}
	resp := s.Do("PATCH", "/any", takotest.Body(jsonpatch.PatchType, double+"]"))
	if resp.StatusCode != 422 || !strings.Contains(resp.Text, "copies too much") {
		t.Errorf("got %d %.200s, want 422", resp.StatusCode, resp.Text)
	}
	nested := `[{"op":"add","path":"/d","value":` + strings.Repeat("[", 900) + "1" + strings.Repeat("]", 900) + `}`
	for range 20 {
		nested += `,{"op":"add","path":"/e","value":` + strings.Repeat("[", 900) + "1" + strings.Repeat("]", 900) + `},{"op":"move","from":"/d","path":"/e` + strings.Repeat("/0", 900) + `"},{"op":"move","from":"/e","path":"/d"}`
	}
	resp = s.Do("PATCH", "/any", takotest.Body(jsonpatch.PatchType, nested+"]"))
	if resp.StatusCode != 422 || !strings.Contains(resp.Text, "too deeply") {
		t.Errorf("got %d %.200s, want 422", resp.StatusCode, resp.Text)
	}
	long := `[{"op":"add","path":"/l","value":[0` + strings.Repeat(",0", 300_000) + `]}` + strings.Repeat(`,{"op":"add","path":"/l/0","value":1}`, jsonpatch.MaxOperations-1)
	resp = s.Do("PATCH", "/any", takotest.Body(jsonpatch.PatchType, long+"]"))
	if resp.StatusCode != 422 || !strings.Contains(resp.Text, "copies too much") {
		t.Errorf("got %d %.200s, want 422", resp.StatusCode, resp.Text)
	}
	deep := `{"a":` + strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2001)
	s.Do("PATCH", "/any", takotest.Body(jsonpatch.MergeType, deep)).Expect(400)
	resp = s.Do("PATCH", "/any", takotest.Body(jsonpatch.MergeType, `{"s":"`+strings.Repeat("x", 2<<20)+`"}`))
	assert.Equal(t, resp.StatusCode, 413)
}

// The examples of RFC 7396, appendix A.
func TestMergeExamples(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`}, {`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`}, {`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`}, {`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`}, {`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`}, {`{"a":"foo"}`, `null`, `null`}, {`{"a":"foo"}`, `"bar"`, `"bar"`}, {`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		got, err := apply[any](t, jsonpatch.MergeType, tt[1], tt[0])
		if err != nil || got != tt[2] {
			t.Errorf("%s onto %s: got %s %v, want %s", tt[1], tt[0], got, err, tt[2])
		}
	}
}

// The examples of RFC 6902, appendix A.
func TestPatchExamples(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]string{
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{"baz":"qux","foo":"bar"}`},
		{`{"foo":["bar","baz"]}`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{"foo":["bar","qux","baz"]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"remove","path":"/baz"}]`, `{"foo":"bar"}`},
		{`{"foo":["bar","qux","baz"]}`, `[{"op":"remove","path":"/foo/1"}]`, `{"foo":["bar","baz"]}`},
		{`{"baz":"qux","foo":"bar"}`, `[{"op":"replace","path":"/baz","value":"boo"}]`, `{"baz":"boo","foo":"bar"}`},
		{`{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}`, `[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`, `{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}`},
		{`{"foo":["all","grass","cows","eat"]}`, `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`, `{"foo":["all","cows","eat","grass"]}`},
		{`{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]`, `{"baz":"qux","foo":["a",2,"c"]}`},
		{`{"baz":"qux"}`, `[{"op":"test","path":"/baz","value":"bar"}]`, ""},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/child","value":{"grandchild":{}}}]`, `{"child":{"grandchild":{}},"foo":"bar"}`},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz","value":"qux","xyz":123}]`, `{"baz":"qux","foo":"bar"}`},
		{`{"foo":"bar"}`, `[{"op":"add","path":"/baz/bat","value":"qux"}]`, ""},
		{`{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":10}]`, `{"/":9,"~1":10}`},
		{`{"/":9,"~1":10}`, `[{"op":"test","path":"/~01","value":"10"}]`, ""},
		{`{"foo":["bar"]}`, `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`, `{"foo":["bar",["abc","def"]]}`},
	} {
		got, err := apply[any](t, jsonpatch.PatchType, tt[1], tt[0])
		if tt[2] == "" && tako.AsError(err).Status != 409 || tt[2] != "" && (err != nil || got != tt[2]) {
			t.Errorf("%s onto %s: got %s %v, want %s", tt[1], tt[0], got, err, tt[2])
		}
	}
}

// apply reads a patch by hand and applies it to the T that text is.
func apply[T any](t testing.TB, kind, patch, text string) (after string, err error) {
	r := tako.New()
	r.Patch("/", func(c *tako.Context) error {
		p, extractErr := tako.Extract[jsonpatch.Patch[T]](c)
		if err = extractErr; err != nil {
			return nil
		}
		var v T
		if json.Unmarshal([]byte(text), &v) != nil {
			return errors.New("the value is malformed")
		}
		if err = p.Apply(c.Context(), &v); err == nil {
			b, _ := json.Marshal(v)
			after = string(b)
		}
		return nil
	})
	req := httptest.NewRequest("PATCH", "/", strings.NewReader(patch))
	req.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code >= 500 {
		t.Errorf("%.200q: got %d %s", patch, w.Code, w.Body)
	}
	return after, err
}

func TestClientSide(t *testing.T) {
	t.Parallel()
	merge, err := jsonpatch.Merge[user](map[string]any{"age": 9})
	assert.NoError(t, err)
	list, err := jsonpatch.Operations[user]([]map[string]any{{"op": "replace", "path": "/age", "value": 9}})
	assert.NoError(t, err)
	s := takotest.New(t, app())
	for _, p := range []*jsonpatch.Patch[user]{&merge, &list} {
		req, _ := http.NewRequest("PATCH", s.URL+"/user", nil)
		assert.NoError(t, p.EncodeRequest(req))
		resp, err := s.Client.Do(req)
		assert.NoError(t, err)
		var u user
		assert.NoError(t, json.NewDecoder(resp.Body).Decode(&u))
		_ = resp.Body.Close()
		assert.Equal(t, u.Age, 9)
	}
	if _, err := jsonpatch.Operations[user](map[string]int{}); err == nil {
		t.Error("got no error of what is no list")
	}
	var empty jsonpatch.Patch[user]
	if err := empty.EncodeRequest(httptest.NewRequest("PATCH", "/", nil)); err == nil {
		t.Error("got no error of an empty patch")
	}
	assert.Equal(t, tako.AsError(empty.Apply(t.Context(), new(user))).Status, 500)
}

// A patch is no part of the value it was applied to.
func TestPatchIsApplied(t *testing.T) {
	t.Parallel()
	const patch = `[{"op":"add","path":"/a","value":[1]},{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/a/-","value":2},{"op":"test","path":"/b","value":[1]},{"op":"remove","path":"/b/0"},{"op":"test","path":"/a","value":[1,2]}]`
	got, err := apply[any](t, jsonpatch.PatchType, patch, `{}`)
	assert.NoError(t, err)
	assert.Equal(t, got, `{"a":[1,2],"b":[]}`)
}

func FuzzPatch(f *testing.F) {
	for _, s := range []string{`[{"op":"add","path":"/tags/-","value":"x"}]`, `[{"op":"copy","from":"","path":"/extra/a"}]`, `[{"op":"move","from":"/extra","path":"/extra/x"}]`,
		`[{"op":"remove","path":""}]`, `[{"op":"replace","path":"","value":null}]`, `[{"op":"test","path":"","value":{}}]`, `[{"op":"add","path":"/extra/0/-1","value":[1,{"a":null}]}]`, `[{"op":"add","path":"","value":[]},{"op":"add","path":"/01","value":1}]`} {
		f.Add(s, true)
	}
	f.Add(`{"age":null,"extra":{"a":{"b":null}}}`, false)
	f.Add(`{"name":"\ud800"}`, false)
	f.Fuzz(func(t *testing.T, patch string, list bool) {
		kind := jsonpatch.MergeType
		if list {
			kind = jsonpatch.PatchType
		}
		for _, text := range []string{`{"name":"a","age":1,"tags":["x"],"extra":{"k":[1]}}`, `{"name":"a"}`} {
			_, err := apply[user](t, kind, patch, text)
			if err != nil && tako.AsError(err).Status >= 500 {
				t.Fatalf("%q: %v", patch, err)
			}
			_, err = apply[any](t, kind, patch, text)
			if err != nil && tako.AsError(err).Status >= 500 {
				t.Fatalf("%q: %v", patch, err)
			}
		}
	})
}
