package msgpack_test

import (
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/msgpack"
	"github.com/tako-go/tako/internal/assert"
	"github.com/ugorji/go/codec"
)

type Inner struct {
	I int16 `codec:"i"`
}

type numbers struct {
	*Inner
	Int     int `json:"int"`
	Small   int8
	Long    *int64
	Wait    time.Duration
	List    []int32
	Fixed   [2]int
	Keys    map[int]string
	Nested  map[string][]*numbers
	Uint    uint64
	Byte    uint8
	Float   float64
	Any     any
	Anys    []any
	At      time.Time
	Renamed int `codec:"r" json:"Int"`
}

type byNumber struct {
	_struct bool `codec:",int"` //nolint:unused // read by the library
	One     int  `codec:"1"`
}

type inOrder struct {
	_struct bool `codec:",toarray"` //nolint:unused // read by the library
	A       string
	B       int
}

// text is a short name or string in MessagePack.
func text(s string) string {
	return hex.EncodeToString([]byte{0xa0 | byte(len(s))}) + hex.EncodeToString([]byte(s))
}

func refused(t *testing.T, v any, in, want string) {
	t.Helper()
	data, err := hex.DecodeString(in)
	assert.NoError(t, err)
	err = msgpack.Codec{}.Decode(data, v)
	if e := tako.AsError(err); err == nil || e.Status != 400 || !strings.Contains(e.Detail, want) {
		t.Errorf("%T %.60s: got %v %+v, want 400 %s", v, in, err, reflect.ValueOf(v).Elem(), want)
	}
}

func taken(t *testing.T, v any, in string) {
	t.Helper()
	data, err := hex.DecodeString(in)
	assert.NoError(t, err)
	assert.NoError(t, msgpack.Codec{}.Decode(data, v), in)
}

const (
	most  = "cfffffffffffffffff"
	above = "cf8000000000000000"
)

func TestNumbersOutOfRange(t *testing.T) {
	t.Parallel()
	for _, big := range []string{most, above, "cb43e0000000000000", "cb7fefffffffffffff", "ca5f000000", "cbc3e0000000000001"} {
		for _, in := range []string{"81" + text("int") + big, "81" + text("i") + big, "81" + text("Small") + big, "81" + text("Long") + big, "81" + text("Wait") + big, "81" + text("r") + big,
			"81" + text("List") + "9201" + big, "81" + text("Fixed") + "9201" + big, "81" + text("Keys") + "81" + big + text("x"),
			"81" + text("Nested") + "81" + text("x") + "91" + "81" + text("int") + big, "82" + text("zz") + "81" + text("int") + big + text("int") + big} {
			refused(t, new(numbers), in, "out of the range")
		}
		refused(t, new(int), big, "out of the range")
		refused(t, new([]int8), "91"+big, "out of the range")
		refused(t, new(map[int64]int), "81"+big+"01", "out of the range")
		refused(t, new(byNumber), "8101"+big, "out of the range")
		refused(t, new(inOrder), "92"+text("x")+big, "out of the range")
		refused(t, new([]int), "8101"+big, "out of the range") // the library takes a map for a list
		var held any = new(int)
		refused(t, &held, big, "out of the range")
	}
	for _, big := range []string{"cb43f0000000000000", "cbbff0000000000000", "ca7f800000", "ff", "d3ffffffffffffffff"} {
		refused(t, new(numbers), "81"+text("Uint")+big, "")
	}
	for _, in := range []string{text("Small") + "cc80", text("Small") + "d18000", text("Byte") + "cd0100", text("Byte") + "ff", text("List") + "91ce80000000", text("List") + "91d3ffffffff7fffffff", text("Byte") + most, text("i") + "cd8000"} {
		refused(t, new(numbers), "81"+in, "")
	}
	refused(t, new([]uint8), "91cd0100", "")
	refused(t, new([]int8), "9180", "")
	refused(t, new([]int16), "91cd8000", "")
	refused(t, new(map[int8]int8), "81cc8001", "")
	refused(t, new(map[string]int8), "81"+text("a")+"cc80", "")
	for _, in := range []string{text("Uint") + most, text("Float") + most, text("Any") + most, text("Anys") + "91" + most, text("zz") + most, text("int") + "cf7fffffffffffffff",
		text("int") + "d38000000000000000", text("int") + "ca40000000", text("Any") + "81" + text("int") + most, text("Long") + "c0"} {
		taken(t, new(numbers), "81"+in)
	}
	var n numbers
	taken(t, &n, "81"+text("Uint")+most)
	assert.Equal(t, n.Uint, ^uint64(0))
}

// JSON has no such numbers, whatever they are for.
func TestNumbersThatAreNotFinite(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"cb7ff8000000000000", "cb7ff0000000000000", "cbfff0000000000000", "ca7fc00000", "ca7f800000", "caff800000"} {
		for _, v := range []any{new(any), new(float64), new(int), new(float32)} {
			refused(t, v, odd, "not finite")
		}
		for _, in := range []string{text("Float") + odd, text("int") + odd, text("Any") + odd, text("Anys") + "91" + odd, text("zz") + "81" + text("x") + odd, text("Keys") + "81" + odd + text("x")} {
			refused(t, new(numbers), "81"+in, "not finite")
		}
	}
	refused(t, new(float32), "cb7fefffffffffffff", "wrong kind")
	taken(t, new(float64), "cb7fefffffffffffff")
}

type keyed string

// Keys are text where JSON would have them, and what the type says elsewhere.
func TestKeysThatAreNoText(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"9101", "c0", "01", "ff", "c3", "c40161", "ca3f800000", "80", "d40101"} {
		for _, v := range []any{new(any), new(map[string]any), new(map[keyed]int), new(numbers), new(struct{ L []map[string]int }), new(inOrder)} {
			refused(t, v, "81"+key+"01", "a key that is no text")
		}
		refused(t, new(any), "9181"+text("a")+"81"+key+"01", "a key that is no text")
		for _, in := range []string{text("zz") + "91" + "81" + key + "01", text("Any") + "81" + key + "01", text("Anys") + "9181" + key + "01", text("Nested") + "81" + text("a") + "9181" + key + "01"} {
			refused(t, new(numbers), "81"+in, "a key that is no text")
		}
	}
	var n struct {
		_struct bool `codec:",int"` //nolint:unused // read by the library
		One     int  `codec:"1"`
	}
	taken(t, &n, "820107"+"0281"+text("a")+"01")
	assert.Equal(t, n.One, 7)
	refused(t, &n, "82010702810101", "a key that is no text")
	taken(t, new(map[int]any), "8101"+"81"+text("a")+"01")
	refused(t, new(map[int]any), "8101810101", "a key that is no text")
	taken(t, new(numbers), "81"+text("Keys")+"8101"+text("x"))
	taken(t, new(codec.Raw), "8101"+"81c001")
	taken(t, new(struct{ Own codec.Raw }), "81"+text("Own")+"81c001")
}

// Keys that are the same number in two forms.
func TestNumbersAsKeys(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"820101cc0102", "820101d00102", "820101cf000000000000000102", "82ff01d3ffffffffffffffff02", "820101ca3f80000002", "82ca3f00000001cb3fe000000000000002"} {
		refused(t, new(map[int]int), in, "twice")
		refused(t, new(any), in, "twice")
	}
	taken(t, new(map[int]int), "82010132"+"02")
	taken(t, new(map[int]int), "82ff01ccff02")
}

type wide struct {
	A, B, C, D [128]int64
	Next       *wide
}

// A few bytes of the body must not take kilobytes each.
func TestElementsOfManyBytes(t *testing.T) {
	t.Parallel()
	nils := "dd0001ffff" + strings.Repeat("c0", 0x1ffff)
	refused(t, new([]wide), nils, "too many elements")
	refused(t, new(struct{ L []wide }), "81"+text("L")+nils, "too many elements")
	refused(t, new([]*wide), "dd0001ffff"+strings.Repeat("80", 0x1ffff), "too many elements")
	refused(t, new(map[uint16]wide), "de7fff"+strings.Join(each(0x7fff), "c0")+"c0", "too many elements")
	for _, v := range []any{new([]*wide), new([]int64), new(any), new([]any), new(struct{ Other []wide })} {
		taken(t, v, nils)
	}
	taken(t, new([]wide), "dc03e8"+strings.Repeat("c0", 1000))
	taken(t, new([]*wide), "dc03e8"+strings.Repeat("80", 1000))
}

func each(n int) (keys []string) {
	for i := range n {
		keys = append(keys, "cd"+hex.EncodeToString([]byte{byte(i >> 8), byte(i)}))
	}
	return keys
}

// A time that JSON cannot tell must not be taken.
func TestTimesOutOfRange(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"c70cff00000000000fffffffffff00", "c70cff00000000ff000fffffffff00", "c70cff000000000000003afff44180"} {
		for _, v := range []any{new(any), new(time.Time)} {
			refused(t, v, at, "a time whose year is out of range")
		}
		for _, in := range []string{text("At") + at, text("Any") + at, text("Anys") + "91" + at, text("Any") + "81" + text("x") + "91" + at, text("Nested") + "81" + text("x") + "9181" + text("At") + at} {
			refused(t, new(numbers), "81"+in, "a time whose year is out of range")
		}
	}
	for _, at := range []string{"d6ffffffffff", "d7ffffffffffffffffff", "c70cff000000000000003afff4417f", "c0"} {
		taken(t, new(numbers), "81"+text("At")+at)
		taken(t, new(any), at)
	}
}
