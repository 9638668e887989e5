package msgpack_test

import (
	"context"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/msgpack"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// A body that is null as a whole is refused where null in JSON is.
func TestNullAsBody(t *testing.T) {
	t.Parallel()
	type optional struct {
		A int `json:"a"`
	}
	r := tako.New()
	r.Codec(msgpack.Codec{})
	nullBody[optional](r, "/struct")
	nullBody[string](r, "/string")
	nullBody[int](r, "/int")
	nullBody[[]int](r, "/list")
	nullBody[map[string]int](r, "/map")
	nullBody[*optional](r, "/pointer")
	nullBody[any](r, "/any")
	s := takotest.New(t, r)
	const kind = "application/vnd.msgpack"
	for _, path := range []string{"/struct", "/string", "/int", "/list", "/map", "/pointer", "/any"} {
		for _, way := range []string{"/codec", "/body"} {
			json := s.Post("/codec"+path, takotest.Body("application/json", "null"))
			for _, null := range []string{"\xc0"} {
				got := s.Post(way+path, takotest.Body(kind, null)).Expect(json.StatusCode)
				assert.Equal(t, got.Text, json.Text, way, path, null)
			}
		}
	}
	assert.Contains(t, s.Post("/codec/list", takotest.Body(kind, "\xc0")).Expect(422).Text, "must not be null")
	s.Post("/codec/pointer", takotest.Body(kind, "\xc0")).Expect(200)
	for _, no := range []string{"", "\xc2", "\xc0\xc0", "\x91\xc0"} {
		assert.Equal(t, msgpack.Codec{}.IsNull([]byte(no)), false, no)
	}
}

func nullBody[T any](r *tako.Router, path string) {
	tako.Post(r, "/codec"+path, func(_ context.Context, in struct{ Body T }) (bool, error) { return true, nil })
	tako.Post(r, "/body"+path, func(_ context.Context, in struct{ Body msgpack.Body[T] }) (bool, error) { return true, nil })
}
