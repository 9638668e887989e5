package extract

import (
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

type (
	small     struct{}
	boundless struct{}
)

func (small) MaxBytes() int64     { return 8 }
func (boundless) MaxBytes() int64 { return tako.NoLimit }

func TestLimited(t *testing.T) {
	t.Parallel()
	with(t, "POST", "/", nil, "123456789", func(c *tako.Context) {
		_, err := tako.Extract[Limited[Bytes, small]](c)
		assert.ErrorIs(t, err, tako.ErrBodyTooLarge)
		assert.Equal(t, tako.AsError(err).Status, 413)
	})
	with(t, "POST", "/", nil, strings.Repeat("x", tako.DefaultBodyLimit+1), func(c *tako.Context) {
		v, err := tako.Extract[Limited[RawBody, boundless]](c)
		assert.NoError(t, err)
		assert.Equal(t, len(v.Value), tako.DefaultBodyLimit+1)
		_, err = tako.Extract[Limited[Bytes, small]](c)
		assert.Equal(t, tako.AsError(err).Status, 500, "a limit set too late")
	})
	with(t, "POST", "/", nil, "", func(c *tako.Context) {
		v, err := tako.Extract[Limited[Bytes, small]](c)
		assert.NoError(t, err)
		assert.Equal(t, v.Absent(), true)
		_, err = tako.Extract[Limited[int, small]](c)
		assert.Equal(t, tako.AsError(err).Status, 500)
	})
}

func TestLimitedDescribe(t *testing.T) {
	t.Parallel()
	op := new(tako.Operation)
	new(Limited[Text, small]).Describe(op, "F")
	assert.Equal(t, op.BodyMedia, []string{"text/plain"})
	failures := op.Failures()
	assert.Contains(t, failures[len(failures)-1].When, "8 bytes")
	_, err := tako.Describes[struct{}, struct{}]("POST", func(op *tako.Operation) { new(Limited[int, small]).Describe(op, "F") })
	if err == nil {
		t.Fatal("an int is no extractor")
	}
	assert.Contains(t, err.Error(), "F: int is no Extractor")
}
