package tako_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestProxyConfigDefaults(t *testing.T) {
	t.Parallel()
	got, err := tako.ProxyConfig{}.WithDefaults()
	assert.NoError(t, err)
	assert.Equal(t, got, tako.ProxyConfig{Timeout: 5 * time.Second, MaxBytes: 4 << 10})

	given := tako.ProxyConfig{Mode: tako.ProxyOptional, Trusted: []string{"10.1.2.3/8"}, Timeout: time.Second, MaxBytes: 300}
	got, err = given.WithDefaults()
	assert.NoError(t, err)
	assert.Equal(t, got, given)
	again, err := got.WithDefaults()
	assert.NoError(t, err)
	assert.Equal(t, again, got)
}

func TestProxyConfigMistakes(t *testing.T) {
	t.Parallel()
	with := func(change func(c *tako.ProxyConfig)) tako.ProxyConfig {
		c := tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{"10.0.0.0/8"}}
		change(&c)
		return c
	}
	for _, tt := range []struct {
		c    tako.ProxyConfig
		want string
	}{
		{with(func(*tako.ProxyConfig) {}), ""},
		{with(func(c *tako.ProxyConfig) { c.Mode = tako.ProxyOff; c.Trusted = nil }), ""},
		{with(func(c *tako.ProxyConfig) { c.Trusted = []string{"0.0.0.0/0", "::/0", "fe80::1%eth0", "192.0.2.1"} }), ""},
		{with(func(c *tako.ProxyConfig) { c.MaxBytes = 232 }), ""},
		{with(func(c *tako.ProxyConfig) { c.MaxBytes = 65551 }), ""},
		{with(func(c *tako.ProxyConfig) { c.Mode = 4 }), "unknown Mode 4"},
		{with(func(c *tako.ProxyConfig) { c.Timeout = tako.NoLimit }), "Timeout is -1ns"},
		{with(func(c *tako.ProxyConfig) { c.MaxBytes = 231 }), "MaxBytes is 231"},
		{with(func(c *tako.ProxyConfig) { c.MaxBytes = 65552 }), "MaxBytes is 65552"},
		{with(func(c *tako.ProxyConfig) { c.MaxBytes = -1 }), "MaxBytes is -1"},
		{with(func(c *tako.ProxyConfig) { c.Trusted = nil }), "Trusted is empty"},
		{with(func(c *tako.ProxyConfig) { c.Mode = tako.ProxyIgnore; c.Trusted = nil }), "Trusted is empty"},
		{with(func(c *tako.ProxyConfig) { c.Trusted = []string{"10.0.0.0/8", "sea.example"} }), `"sea.example" is neither`},
		{with(func(c *tako.ProxyConfig) { c.Trusted = []string{""} }), `"" is neither`},
		{with(func(c *tako.ProxyConfig) { c.Trusted = []string{"10.0.0.0/33"} }), `"10.0.0.0/33" is neither`},
		{with(func(c *tako.ProxyConfig) { c.Trusted = []string{"10.0.0.1:80"} }), `"10.0.0.1:80" is neither`},
		{with(func(c *tako.ProxyConfig) { c.Trusted = []string{"::ffff:10.0.0.0/104"} }), "is neither"},
		{with(func(c *tako.ProxyConfig) { c.Mode = tako.ProxyOff; c.Trusted = []string{"sea"} }), `"sea" is neither`},
	} {
		_, err := tt.c.WithDefaults()
		if tt.want == "" {
			assert.NoError(t, err, fmt.Sprintf("%+v", tt.c))
			continue
		}
		assert.Contains(t, fmt.Sprint(err), tt.want)
		assert.Contains(t, fmt.Sprint(err), "tako: proxy: ")
	}
}

func TestProxyConfigNetworks(t *testing.T) {
	t.Parallel()
	got, err := tako.ProxyConfig{Trusted: []string{"10.1.2.3/8", "192.0.2.1", "::ffff:192.0.2.2", "2001:db8::1/32", "fe80::1%eth0"}}.Networks()
	assert.NoError(t, err)
	var want []netip.Prefix
	for _, s := range []string{"10.0.0.0/8", "192.0.2.1/32", "192.0.2.2/32", "2001:db8::/32", "fe80::1/128"} {
		want = append(want, netip.MustParsePrefix(s))
	}
	assert.Equal(t, got, want)
}

func TestProxyModeString(t *testing.T) {
	t.Parallel()
	assert.Equal(t, fmt.Sprint(tako.ProxyOff, tako.ProxyRequired, tako.ProxyOptional, tako.ProxyIgnore, tako.ProxyMode(9)),
		"off required optional ignore ProxyMode(9)")
}
