package udp_test

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

// bounce is echo, which "itself" makes send to its own socket, by way of an address.
func bounce(via func(p *udp.Packet) netip.AddrPort) udp.Handler {
	return func(ctx context.Context, p *udp.Packet) error {
		if string(p.Data) != "itself" || p.Remote().Port() == p.Local().Port() {
			return echo(ctx, p)
		}
		_, err := p.WriteTo([]byte("round"), via(p))
		return err
	}
}

// A server does not answer itself: it would have to do so for ever.
func TestOwnSender(t *testing.T) {
	t.Parallel()
	own := func(p *udp.Packet) netip.AddrPort { return p.Local() }
	other := func(p *udp.Packet) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), p.Local().Port())
	}
	for name, tt := range map[string]struct {
		addr  string
		via   func(p *udp.Packet) netip.AddrPort
		batch int
		linux bool // 127.0.0.2 is an address
	}{
		"one address":     {addr: "127.0.0.1:0", via: own},
		"plain reads":     {addr: "127.0.0.1:0", via: own, batch: 1},
		"all addresses":   {addr: "0.0.0.0:0", via: own},
		"another address": {addr: "0.0.0.0:0", via: other, linux: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.linux && runtime.GOOS != "linux" {
				t.Skip("it has one address")
			}
			s := start(t, bounce(tt.via), udp.Config{Addr: tt.addr, Batch: tt.batch})
			c := dial(t, loopback(s.Addr()))
			c.send("itself")
			assert.Eventually(t, patience, "it is refused", func() bool { return s.Stats().Forged == 1 })
			c.send("hello")
			assert.Equal(t, c.answer(), "hello")
			st := settled(t, s)
			assert.Equal(t, st.Received, int64(2))
			assert.Equal(t, st.Forged, int64(1))
		})
	}
}

// given is a socket whose first datagrams are made up.
type given struct {
	net.PacketConn
	from []net.Addr
}

func (g *given) ReadFrom(b []byte) (int, net.Addr, error) {
	if len(g.from) == 0 {
		return g.PacketConn.ReadFrom(b)
	}
	from := g.from[0]
	g.from = g.from[1:]
	return copy(b, "forged"), from, nil
}

// Nobody can be answered at port 0.
func TestNoPort(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	log := new(logText)
	s := start(t, echo, udp.Config{Conn: &given{conn, []net.Addr{&net.UDPAddr{IP: net.IPv4(192, 0, 2, 1)}, &net.UDPAddr{IP: net.IPv6loopback}, conn.LocalAddr()}},
		Log: log.logger()})
	c := dial(t, s.Addr())
	c.send("hello")
	assert.Equal(t, c.answer(), "hello")
	st := settled(t, s)
	assert.Equal(t, st.Forged, int64(3))
	assert.Equal(t, st.Received, int64(1))
	assert.Equal(t, st.Errors, int64(0))
	assert.Contains(t, log.String(), "forged=2")
}
