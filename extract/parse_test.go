package extract

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// FuzzParseText reads a text as each kind: what could be read is written so that it
// is read as the same again.
func FuzzParseText(f *testing.F) {
	for _, seed := range []string{"", "1", "-7", "255", "1e3", "-0", "true", "1m30s", "192.0.2.1", "fe80::1%eth0", "NaN", "0x1", "9223372036854775808", " 1"} {
		f.Add(seed)
	}
	kinds := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[int8](), reflect.TypeFor[int64](), reflect.TypeFor[uint16](),
		reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[time.Duration](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[*int]()}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range kinds {
			v := reflect.New(kind).Elem()
			if parseText(v, text) != "" {
				continue
			}
			again := reflect.New(kind).Elem()
			assert.Equal(t, parseText(again, formatText(v)), "", kind, text)
			assert.Equal(t, again.Interface(), v.Interface(), kind, text)
		}
	})
}

func TestFormatNothing(t *testing.T) {
	t.Parallel()
	assert.Equal(t, formatText(reflect.New(reflect.TypeFor[*int]()).Elem()), "")
	for _, kind := range []reflect.Type{reflect.TypeFor[struct{}](), reflect.TypeFor[**int](), reflect.TypeFor[[]int](), reflect.TypeFor[map[string]int]()} {
		assert.Equal(t, parsable(kind), false, kind)
	}
}
