package udp_test

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

// On a socket for all addresses answers come from the one that was asked: a connected
// client gets no others.
func TestReplySource(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0"} {
		t.Run(addr, func(t *testing.T) {
			if addr[0] == '[' {
				needIPv6(t)
			}
			eachBatch(t, func(t *testing.T, batch int) {
				s := start(t, func(_ context.Context, p *udp.Packet) error {
					_, err := p.Reply([]byte(p.Local().Addr().String()))
					return err
				}, udp.Config{Addr: addr, Batch: batch})
				ips := []string{"127.0.0.1", "127.0.0.2", "127.9.9.9"}
				if addr == "[::]:0" {
					ips = append(ips, "::1")
				}
				for _, ip := range ips {
					c := dial(t, &net.UDPAddr{IP: net.ParseIP(ip), Port: s.Addr().(*net.UDPAddr).Port})
					c.send("where?")
					assert.Equal(t, c.answer(), ip)
				}
			})
		})
	}
}

// WriteTo leaves from the same address, if it can.
func TestWriteToSource(t *testing.T) {
	needIPv6(t)
	four, six := udpSocket(t, "127.0.0.1:0"), udpSocket(t, "[::1]:0")
	s := start(t, func(_ context.Context, p *udp.Packet) error {
		for _, to := range []*net.UDPConn{four, six} {
			if _, err := p.WriteTo(p.Data, to.LocalAddr().(*net.UDPAddr).AddrPort()); err != nil {
				t.Error(err)
			}
		}
		return nil
	}, udp.Config{Addr: "[::]:0"})
	port := s.Addr().(*net.UDPAddr).Port
	from := func(c *net.UDPConn) netip.Addr {
		buf := make([]byte, 100)
		assert.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
		_, at, err := c.ReadFromUDPAddrPort(buf)
		assert.NoError(t, err)
		assert.Equal(t, int(at.Port()), port)
		return at.Addr()
	}
	dial(t, &net.UDPAddr{IP: net.ParseIP("127.0.0.2"), Port: port}).send("to both")
	assert.Equal(t, from(four).String(), "127.0.0.2")
	assert.Equal(t, from(six).String(), "::1")
	dial(t, &net.UDPAddr{IP: net.IPv6loopback, Port: port}).send("to both")
	assert.Equal(t, from(four).String(), "127.0.0.1")
	assert.Equal(t, from(six).String(), "::1")
}

func udpSocket(t *testing.T, addr string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenPacket("udp", addr)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.UDPConn)
}
