package cbor_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/cbor"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// JSON has no such numbers, whatever they are for.
func TestNumbersThatAreNotFinite(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{"f97e00", "f97c00", "f9fc00", "fa7fc00000", "fa7f800000", "fb7ff8000000000000", "fbfff0000000000000"} {
		for _, in := range []string{odd, "81" + odd, "a16178" + odd, "a1" + odd + "01", "c1" + odd, "a1617a81a16178" + odd} {
			for _, v := range []any{new(any), new(float64), new([]float32), new(user), new(map[string]any), new(map[float64]int)} {
				data, err := hex.DecodeString(in)
				assert.NoError(t, err)
				e := tako.AsError(cbor.Codec{}.Decode(data, v))
				if e.Status != 400 || !strings.Contains(e.Detail, "the CBOR has a number that is not finite") {
					t.Errorf("%T %s: got %v, want 400", v, in, e)
				}
			}
		}
	}
	var f float64
	assert.NoError(t, cbor.Codec{}.Decode([]byte{0xfb, 0x7f, 0xef, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, &f))
}

// A body that is null as a whole is refused where null in JSON is.
func TestNullAsBody(t *testing.T) {
	t.Parallel()
	type optional struct {
		A int `json:"a"`
	}
	r := tako.New()
	r.Codec(cbor.Codec{})
	nullBody[optional](r, "/struct")
	nullBody[string](r, "/string")
	nullBody[int](r, "/int")
	nullBody[[]int](r, "/list")
	nullBody[map[string]int](r, "/map")
	nullBody[*optional](r, "/pointer")
	nullBody[any](r, "/any")
	s := takotest.New(t, r)
	const kind = "application/cbor"
	for _, path := range []string{"/struct", "/string", "/int", "/list", "/map", "/pointer", "/any"} {
		for _, way := range []string{"/codec", "/body"} {
			json := s.Post("/codec"+path, takotest.Body("application/json", "null"))
			for _, null := range []string{"\xf6", "\xf7", "\xd8\x2a\xf6", "\xd9\xd9\xf7\xf6"} {
				got := s.Post(way+path, takotest.Body(kind, null)).Expect(json.StatusCode)
				assert.Equal(t, got.Text, json.Text, way, path, null)
			}
		}
	}
	assert.Contains(t, s.Post("/codec/list", takotest.Body(kind, "\xf6")).Expect(422).Text, "must not be null")
	s.Post("/codec/pointer", takotest.Body(kind, "\xf6")).Expect(200)
	for _, no := range []string{"", "\xf5", "\xf6\xf6", "\x81\xf6", "\xc1", "\xd9\xd9", "\xdf\xf6"} {
		assert.Equal(t, cbor.Codec{}.IsNull([]byte(no)), false, no)
	}
}

func nullBody[T any](r *tako.Router, path string) {
	tako.Post(r, "/codec"+path, func(_ context.Context, in struct{ Body T }) (bool, error) { return true, nil })
	tako.Post(r, "/body"+path, func(_ context.Context, in struct{ Body cbor.Body[T] }) (bool, error) { return true, nil })
}

// A number that breaks a rule is named, and never in the way of the answer.
func TestRulesOfNumbers(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Codec(cbor.Codec{})
	tako.Post(r, "/", func(_ context.Context, in struct {
		Body struct {
			F float64 `json:"f" maximum:"10" multipleOf:"0.5"`
		}
	}) (float64, error) {
		return in.Body.F, nil
	})
	s := takotest.New(t, r)
	for _, odd := range []string{"\xf9\x7e\x00", "\xf9\x7c\x00", "\xf9\xfc\x00"} {
		s.Post("/", takotest.Body("application/cbor", "\xa1\x61f"+odd)).Expect(400).ExpectHeader("Content-Type", "application/problem+json")
	}
	assert.Contains(t, s.Post("/", takotest.Body("application/cbor", "\xa1\x61f\xfb\x7f\xef\xff\xff\xff\xff\xff\xff")).Expect(422).Text, "1.7976931348623157e+308")
}

// A time that cannot be written again must not be taken.
func TestTimesOutOfRange(t *testing.T) {
	t.Parallel()
	type event struct {
		At   time.Time `json:"at"`
		More any       `json:"more"`
		List []*event  `json:"list"`
		By   map[string][]time.Time
	}
	for _, at := range []string{"c07819" + hex.EncodeToString([]byte("2020-01-01T00:00:00+24:00")), "c07819" + hex.EncodeToString([]byte("2020-01-01T00:00:00-24:00")), "c11b0000fffffffffff0"} {
		for _, in := range []string{"a1626174" + at, "a1646d6f7265" + at, "a1646d6f726581a16178" + at, "a1646c69737482a0a1626174" + at, "a1624279a1617882c100" + at} {
			data, err := hex.DecodeString(in)
			assert.NoError(t, err)
			e := tako.AsError(cbor.Codec{}.Decode(data, new(event)))
			assert.Equal(t, e.Status, 400, in)
			assert.Contains(t, e.Detail, "a time whose year or offset is out of range", in)
		}
		data, _ := hex.DecodeString(at)
		for _, v := range []any{new(any), new(time.Time)} {
			assert.Equal(t, tako.AsError(cbor.Codec{}.Decode(data, v)).Status, 400, at)
		}
	}
	for _, good := range []string{"a0", "a1626174c100", "a1626174f6", "a1626174c074" + hex.EncodeToString([]byte("9999-12-31T23:59:59Z")), "a1646d6f7265c101", "a1646c69737481f6"} {
		data, _ := hex.DecodeString(good)
		assert.NoError(t, cbor.Codec{}.Decode(data, new(event)), good)
	}
}
