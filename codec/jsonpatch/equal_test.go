package jsonpatch

import "testing"

func TestEqual(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{`3`, `3.0`, true}, {`3`, `0.3e1`, true}, {`3`, `30E-1`, true}, {`-0`, `0.00e9`, true}, {`100`, `1e+2`, true}, {`0.001`, `1e-3`, true}, {`3`, `-3`, false}, {`3`, `30`, false}, {`3`, `"3"`, false},
		{`9007199254740993`, `9007199254740992`, false}, {`9007199254740993`, `9007199254740993.0`, true}, {`1e99999999999999999999`, `1e99999999999999999999`, true}, {`1e99999999999999999999`, `1e9999999999999999999`, false},
		{`{"a":[1,{"b":null}],"c":true}`, `{"c":true,"a":[1.0,{"b":null}]}`, true}, {`{"a":null}`, `{"b":null}`, false}, {`{"a":1}`, `{}`, false}, {`[1,2]`, `[2,1]`, false}, {`[1]`, `[1,1]`, false},
		{`null`, `false`, false}, {`null`, `null`, true}, {`""`, `null`, false}, {`[]`, `{}`, false}, {`"a"`, `"\u0061"`, true},
	} {
		a, err := tree([]byte(tt.a))
		b, err2 := tree([]byte(tt.b))
		if err != nil || err2 != nil || equal(a, b) != tt.want || equal(b, a) != tt.want {
			t.Errorf("%s, %s: got %v, want %v", tt.a, tt.b, equal(a, b), tt.want)
		}
	}
}
