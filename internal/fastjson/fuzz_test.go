package fastjson

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// richSeed is where the seeds for the type rich begin.
var richSeed = slices.IndexFunc(seeds, func(s string) bool { return strings.HasPrefix(s, `{"id":1,"made"`) })

var seeds = []string{
	`{}`, ` { } `, `[]`, ` [ ] `, `null`, `true`, `false`, `"text"`, `0`, `-0`, `1.5e-7`, `""`, `[1,2,3]`, `[[],[{}]]`,
	`{"id":7,"name":"octopus","email":"octopus@example.com"}`,
	"\t{\r\n\"id\" : 7 ,\n \"name\" : \"octopus\" } \n",
	`{"ID":7}`, `{"Id":7,"id":8}`, `{"id":7,"Name":"x"}`, `{"id":null}`, `{"id":7}x`, `{"id":7}}`, `{"id":7,}`,
	`{"id":9223372036854775807}`, `{"id":9223372036854775808}`, `{"id":-9223372036854775808}`, `{"id":-9223372036854775809}`,
	`{"id":1e3}`, `{"id":1.0}`, `{"id":01}`, `{"id":-}`, `{"id":"7"}`, `{"id":[7]}`, `{"id":7,"id":8}`,
	`{"s":"a\nb"}`, `{"s":"ä€😀"}`, "{\"s\":\"\xff\"}", "{\"s\":\"a\x01\"}", `{"s":"aaaaaaaaaaaaaaaaaaaaaaaaaa` + "\u2028" + `"}`,
	"{\"\u212a\":\"x\"}", "{\"\u017f\":\"x\"}", `{"K":"x"}`, `{"k":"x","s":"y"}`,
	`{"x":{"a":[1,{"b":null}],"c":true},"i":5}`, `{"x":[1,2,"\u0041"],"i":5}`, `{"x":01}`, `{"x":"\q"}`,
	`{"i8":127,"u8":255,"i16":-32768,"u16":65535,"i32":-2147483648,"u32":4294967295,"u64":18446744073709551615}`,
	`{"i8":128}`, `{"u8":256}`, `{"u8":-1}`, `{"u8":-0}`, `{"u64":18446744073709551616}`, `{"i64":99999999999999999999}`,
	`{"f32":3.4e38,"f64":1e308}`, `{"f32":3.5e38}`, `{"f64":1e309}`, `{"f64":-0}`, `{"f64":.5}`, `{"f64":1.}`, `{"f64":1e}`, `{"f64":+1}`,
	`{"p":1,"pp":"x","ps":{"x":1},"pt":{"y":2},"l":["a","b"],"li":[1,2,3,4,5,6,7,8,9]}`,
	`{"lp":[{"x":1},{"y":2}],"ls":[{"x":1},{}],"ll":[[1],[],[2,3]],"pl":[true,false],"Name":"n","d-e.f":5}`,
	`{"l":["a"],"l":["b"]}`, `{"l":[],"l":["b"]}`, `{"p":1,"p":2}`, `{"pt":{"x":1},"pt":{"y":2}}`, `{"ps":{"x":1},"ps":{"y":2}}`,
	`{"l":null}`, `{"l":[null]}`, `{"lp":[null]}`, `{"l":["a",]}`, `{"l":["a"`, `{"l":[,]}`, `{"plain":"x"}`, `{"Plain":"x","-":"y","Skip":"z"}`,
	`{"a":1,"b":2,"c":true}`, `{"a":1 "b":2}`, `{"a"}`, `{"a":}`, `{1:2}`, `{"b":tru}`, `{"b":truefalse}`, "\x00", "{}\x00", `{"a`,
	`{"id":1,"made":"2026-01-02T03:04:05.678+01:00","m":{"b":"x","a":"\u00e4\n"},"ma":{"z":[1,null,{"q":true}]},"arr":[1,2,3],"raw":"b2N0bw=="}`,
	`{"any":{"a":[1.5,"x",{}],"b":false},"mp":{"p":{"x":1},"q":null},"ml":{"l":[{"y":2}]},"kids":[{"id":2,"kids":[]}],"next":{"next":{"id":3}}}`,
	`{"num":1e5,"msg":[ 1 , 2 ],"addr":"192.0.2.1","mi":{"2":"b","1":"a"},"odd":{"n":"5"},"größe <&> ":"ü","GRÖSSE <&> ":"v","own":5,"err":null}`,
	`{"m":{"a":"1","a":"2"}}`, `{"ma":{"a":1,"a":2}}`, `{"any":{"a":1,"a":2}}`, `{"arr":[1]}`, `{"arr":null,"raw":null,"any":null,"m":null,"made":null,"num":null,"msg":null,"odd":null,"next":null}`,
	`{"made":"2026-01-02"}`, `{"raw":"!"}`, `{"num":"x"}`, `{"any":1e999}`, `{"any":-0,"f64":123456789012345.6}`, `"2026-01-02T03:04:05Z"`, `"b2N0bw=="`, `{"x":1e999999}`,
	`"\ud83d\ude00\ud800\u0000\/\b\f"`, `{"\u0069\u0064":5,"ID":6}`, `{"name":"a","NAME":"b"}`, `{"x":1,"x":2,"\u0078":3}`,
	`[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`,
}

// FuzzUnmarshal compares with encoding/json whatever was taken; what was refused
// must have left the value alone. Where encoding/json fails, a misfit is found.
func FuzzUnmarshal(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), []byte(seeds[(i*7+3)%len(seeds)]))
	}
	f.Fuzz(func(t *testing.T, data, first []byte) {
		for _, typ := range handled {
			agree(t, typ, data, first)
		}
		for _, typ := range fitted {
			located(t, typ, data)
		}
	})
}

func FuzzAppend(f *testing.F) {
	f.Add("octopus", int64(7), 1.5, float32(2.5), uint64(9), true)
	f.Add("", int64(0), 0.0, float32(0), uint64(0), false)
	f.Add("a\"b\\c\n\t\r\b\f\x00\x1f\x7f<&>", int64(-1), 1e-7, float32(1e-7), uint64(math.MaxUint64), true)
	f.Add("ä€😀\u2028\u2029\ufffd\xff\xe2\x80", int64(math.MinInt64), 1e21, float32(1e21), uint64(1), false)
	f.Add("0123456\"89abcde\u00e4", int64(1), math.Inf(1), float32(1e-6), uint64(1), false)
	f.Add("0123456789abcdef\xff", int64(1), math.Copysign(0, -1), float32(math.Copysign(0, -1)), uint64(1), false)
	f.Fuzz(func(t *testing.T, s string, i int64, f64 float64, f32 float32, u uint64, b bool) {
		n, pt := int(i), point{int(i), f64}
		all := everything{S: s, B: b, I: n, I8: int8(i), I16: int16(i), I32: int32(i), I64: i, U: uint(u), U8: uint8(u), U16: uint16(u),
			U32: uint32(u), U64: u, F32: f32, F64: f64, P: &n, PS: &pt, Pt: pt, L: []string{s, "", s}, LI: []int8{int8(i)},
			LP: []*point{nil, &pt}, LS: []point{pt, {}}, LL: [][]int{nil, {}, {n}}, PL: &[]bool{b}, Name: name(s), Plain: s}
		few := sparse{S: s, B: b, I: n, U: uint8(u), F: f64, F3: f32, P: &s, L: make([]int, int(u%3)), Pt: pt, LP: []*point{nil}[:u%2]}
		for _, v := range []any{all, &all, few, &few, s, &s, i, u, f64, f32, b, all.L, all.LS, all.LP, &pt, pt, user{i, s, s}} {
			if taken := same(t, v); !taken && finite(f64) && finite(float64(f32)) {
				t.Fatalf("%v was refused", reflect.TypeOf(v))
			}
		}
	})
}

func finite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }
