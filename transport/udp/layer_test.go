package udp_test

import (
	"context"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

func TestLayerOrder(t *testing.T) {
	mark := func(name string) udp.Layer {
		return udp.Middleware(func(next udp.Handler) udp.Handler {
			return func(ctx context.Context, p *udp.Packet) error {
				p.Data = append(p.Data, name...)
				return next(ctx, p)
			}
		})
	}
	s := start(t, echo, udp.Config{}, mark("1"), mark("2"), mark("3"))
	c := dial(t, s.Addr())
	for range 3 {
		c.send("order ")
		assert.Equal(t, c.answer(), "order 123")
	}
}

func TestAllow(t *testing.T) {
	for _, tt := range []struct {
		networks []string
		refused  int64
	}{
		{[]string{"127.0.0.0/8"}, 0},
		{[]string{"192.0.2.0/24", "127.0.0.1"}, 0},
		{[]string{"192.0.2.0/24", "::/0"}, 1},
	} {
		s := start(t, echo, udp.Config{}, udp.Allow(tt.networks...))
		dial(t, s.Addr()).send("hello")
		assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Served == 1 })
		st := s.Stats()
		assert.Equal(t, st.Refused, tt.refused, tt.networks)
		assert.Equal(t, st.Sent, 1-tt.refused, tt.networks)
		assert.Equal(t, st.Errors, 0)
	}
}

func TestRateLimit(t *testing.T) {
	s := start(t, echo, udp.Config{}, udp.RateLimit(1, 3))
	c := dial(t, s.Addr())
	for range 20 {
		c.send("hello")
	}
	assert.Eventually(t, patience, "all are received", func() bool { return s.Stats().Received == 20 })
	st := settled(t, s)
	if st.Sent < 3 || st.Sent > 3+10 { // one more for each second that it took
		t.Errorf("answered %d, want 3", st.Sent)
	}
	assert.Equal(t, st.Refused, st.Received-st.Sent)
}

func TestLayerMistakes(t *testing.T) {
	for _, tt := range []struct {
		layer udp.Layer
		want  string
	}{
		{udp.Allow(), "no network"},
		{udp.Allow("127.0.0.1", "localhost"), `"localhost" is neither`},
		{udp.RateLimit(0, 1), "RateLimit(0, 1)"},
		{udp.RateLimit(1, -1), "RateLimit(1, -1)"},
		{udp.RateLimit(1<<40, 1), "RateLimit(1099511627776, 1)"},
		{nil, "layer 2 is nil"},
		{udp.Middleware(func(udp.Handler) udp.Handler { return nil }), "no handler"},
	} {
		err := udp.New(echo, udp.Config{Addr: "127.0.0.1:0"}, udp.Allow("::1"), tt.layer).Listen(t.Context())
		if err == nil {
			t.Errorf("%s: got no error", tt.want)
			continue
		}
		assert.Contains(t, err.Error(), tt.want)
	}
	if udp.New(nil, udp.Config{Addr: "127.0.0.1:0"}).Listen(t.Context()) == nil {
		t.Error("no handler: got no error")
	}
}
