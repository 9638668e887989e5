package tako_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestParseText(t *testing.T) {
	t.Parallel()
	var n int8
	assert.NoError(t, tako.ParseText(&n, "-7"))
	assert.Equal(t, n, int8(-7))
	assert.Contains(t, tako.ParseText(&n, "200").Error(), "out of range")
	assert.Contains(t, tako.ParseText(&n, "x").Error(), "not an integer")
	for text, number := range map[string]any{"+7": &n, "+7.5": new(float64), "+0": new(int)} {
		assert.Contains(t, fmt.Sprint(tako.ParseText(number, text)), "is not a", text)
	}
	var f float64
	assert.NoError(t, tako.ParseText(&f, "1e+2"))
	assert.Equal(t, f, 100.0)
	var b bool
	for text, want := range map[string]bool{"true": true, "1": true, "false": false, "0": false} {
		assert.NoError(t, tako.ParseText(&b, text))
		assert.Equal(t, b, want, text)
	}
	for _, text := range []string{"", "True", "TRUE", "T", "on", "yes", "01"} {
		assert.Contains(t, fmt.Sprint(tako.ParseText(&b, text)), "is not true or false", text)
	}
	var d *time.Duration
	assert.NoError(t, tako.ParseText(&d, "1m"))
	assert.Equal(t, *d, time.Minute)
	for _, to := range []any{nil, 7, (*int)(nil), new(chan int), new([]int)} {
		assert.Contains(t, tako.ParseText(to, "1").Error(), "cannot be read")
	}
	assert.Equal(t, tako.ParsesText(reflect.TypeFor[time.Time]()), true)
	assert.Equal(t, tako.ParsesText(reflect.TypeFor[chan int]()), false)
}

func TestAppendBody(t *testing.T) {
	t.Parallel()
	r := tako.New()
	r.Post("/", func(c *tako.Context) error {
		body, err := c.AppendBody([]byte("read: "))
		if err != nil {
			assert.Equal(t, string(body), "read: "+strings.Repeat("x", tako.DefaultBodyLimit))
			return err
		}
		_, again := c.AppendBody(nil)
		assert.ErrorIs(t, again, tako.ErrBodyRead)
		return c.Text(200, string(body))
	})
	s := takotest.New(t, r)
	assert.Equal(t, s.Post("/", takotest.Body("text/plain", "abc")).Expect(200).Text, "read: abc")
	s.Post("/", takotest.Reader("text/plain", strings.NewReader(strings.Repeat("x", tako.DefaultBodyLimit+1)))).Expect(413)
}
