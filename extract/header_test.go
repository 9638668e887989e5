package extract

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

type (
	count   int8
	amount  uint16
	ratio   float32
	flag    bool
	delays  []time.Duration
	sender  struct{ netip.Addr }
	maybe   struct{ N *int }
	nobody  string
	pointed struct{ text string }
)

func (count) HeaderName() string    { return "x-count" }
func (amount) HeaderName() string   { return "X-Amount" }
func (ratio) HeaderName() string    { return "X-Ratio" }
func (flag) HeaderName() string     { return "X-Flag" }
func (delays) HeaderName() string   { return "X-Delays" }
func (sender) HeaderName() string   { return "X-Sender" }
func (maybe) HeaderName() string    { return "X-Maybe" }
func (nobody) HeaderName() string   { return "not a name" }
func (*pointed) HeaderName() string { return "X-Pointed" }

// readHeader reads a Header[N] from lines.
func readHeader[N HeaderName](t *testing.T, lines ...string) (v Header[N], err error) {
	t.Helper()
	with(t, "GET", "/", lines, "", func(c *tako.Context) { v, err = tako.Extract[Header[N]](c) })
	return v, err
}

func TestHeaderKinds(t *testing.T) {
	t.Parallel()
	checkHeader(t, "X-Count", "-5", count(-5), "is not an integer", "five", "1.5", "")
	checkHeader(t, "X-Count", "127", count(127), "is out of range", "128", "-129")
	checkHeader(t, "X-Amount", "65535", amount(65535), "is out of range", "65536")
	checkHeader(t, "X-Amount", "0", amount(0), "is not a non-negative integer", "-1", "0x1", "1_0")
	checkHeader(t, "X-Ratio", "0.5", ratio(0.5), "is not a number", "0x1p-2", "NaN", "inf", "1_0")
	checkHeader(t, "X-Ratio", "2", ratio(2), "is out of range", "1e99")
	checkHeader(t, "X-Flag", "true", flag(true), "is not true or false", "yes", "TRUE")
	checkHeader(t, "X-Delays", "1s, 2m0s", delays{time.Second, 2 * time.Minute}, "is not a duration such as 1m30s", "1s, 2")
	checkHeader(t, "X-Sender", "192.0.2.9", sender{netip.MustParseAddr("192.0.2.9")}, "is malformed", "localhost")
}

func checkHeader[N HeaderName](t *testing.T, name, text string, want N, problem string, bad ...string) {
	t.Helper()
	got, err := readHeader[N](t, name+": "+text)
	assert.NoError(t, err)
	assert.Equal(t, got.Value, want)
	if _, list := any(want).(delays); !list {
		assert.Equal(t, rewritten(t, &got).Get(name), text)
	}
	_, err = readHeader[N](t)
	assert.ErrorIs(t, err, tako.ErrAbsent)
	assert.Equal(t, tako.AsError(err).Status, 422)
	for _, value := range bad {
		if value == "" {
			continue
		}
		_, err = readHeader[N](t, name+": "+value)
		e := tako.AsError(err)
		assert.Equal(t, e.Status, 400, value)
		assert.Equal(t, e.Fields, []tako.FieldError{{In: "header", Name: http.CanonicalHeaderKey(name), Detail: problem}}, value)
		assert.Equal(t, errors.Is(err, tako.ErrAbsent), false)
	}
}

func TestHeaderMistakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		describer tako.Describer
		want      string
	}{
		{new(Header[nobody]), "is no token"},
		{new(RawHeader[nobody]), "is no token"},
		{new(Header[maybe]), "cannot be read from a header"},
		{new(Header[*pointed]), "has no zero value to ask"},
		{new(Header[HeaderName]), "has no zero value to ask"},
	} {
		_, err := tako.Describes[struct{}, struct{}]("GET", func(op *tako.Operation) { tt.describer.Describe(op, "F") })
		if err == nil {
			t.Fatalf("%T is described", tt.describer)
		}
		assert.Contains(t, err.Error(), tt.want)
	}
	_, err := readHeader[nobody](t)
	assert.Equal(t, tako.AsError(err).Status, 500)
	assert.Equal(t, tako.AsError(err).Detail, "", "nothing of it is sent")
}

func TestHeaderDescribe(t *testing.T) {
	t.Parallel()
	op := new(tako.Operation)
	new(Header[count]).Describe(op, "F")
	assert.Equal(t, op.Inputs, []tako.Param{{In: "header", Name: "X-Count", Type: reflect.TypeFor[count](), Required: true}})
	assert.Equal(t, len(op.Failures()), 2)
	optional := new(tako.Operation)
	new(tako.Optional[Header[count]]).Describe(optional, "F")
	assert.Equal(t, optional.Inputs[0].Required, false)
}

func TestRawHeader(t *testing.T) {
	t.Parallel()
	with(t, "GET", "/", []string{"X-Count: abc", "X-Count: d"}, "", func(c *tako.Context) {
		h, err := tako.Extract[RawHeader[count]](c)
		assert.NoError(t, err)
		assert.Equal(t, string(h.Value), "abc")
		assert.Equal(t, cap(h.Value), 3, "an append must copy")
		assert.Equal(t, rewritten(t, &h).Get("X-Count"), "abc")
		_, err = tako.Extract[RawHeader[amount]](c)
		assert.ErrorIs(t, err, tako.ErrAbsent)
	})
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	with(t, "GET", "/", []string{"x-a: 1", "X-A: 2"}, "", func(c *tako.Context) {
		h, err := tako.Extract[Headers](c)
		assert.NoError(t, err)
		assert.Equal(t, h.Values("X-A"), []string{"1", "2"})
		assert.Equal(t, h.Get("Host"), "")
		h.Set("X-A", "3")
		assert.Equal(t, c.RequestHeader("X-A"), "1", "the copy is its own")
		assert.Equal(t, rewritten(t, &h), http.Header{"X-A": {"3"}})
	})
	with(t, "GET", "/", nil, "", func(c *tako.Context) {
		h, _ := tako.Extract[Headers](c)
		assert.Equal(t, h.Absent(), true)
		assert.Equal(t, h.Header != nil, true)
	})
}

// gate is a header that checks itself.
type gate string

func (gate) HeaderName() string { return "X-Gate" }
func (g gate) Validate(context.Context) error {
	switch g {
	case "shut":
		return errors.New("is shut")
	case "gone":
		return tako.NotFound("no such gate")
	}
	return nil
}

func TestHeaderValidate(t *testing.T) {
	t.Parallel()
	_, err := readHeader[gate](t, "X-Gate: open")
	assert.NoError(t, err)
	_, err = readHeader[gate](t, "X-Gate: shut")
	assert.Equal(t, tako.AsError(err).Status, 422)
	assert.Equal(t, tako.AsError(err).Fields, []tako.FieldError{{In: "header", Name: "X-Gate", Detail: "is shut", Rule: "validate"}})
	_, err = readHeader[gate](t, "X-Gate: gone")
	assert.Equal(t, tako.AsError(err).Status, 404)
}
