// Package connlimit counts connections, in total and for each client address, and
// holds them to their limits.
package connlimit

import (
	"net"
	"net/netip"
	"sync"
)

// Counter is used by many goroutines at once.
type Counter struct {
	total   chan struct{} // one slot a connection; nil without a limit
	perAddr int

	mu    sync.Mutex
	addrs map[netip.Addr]int
}

// New returns a Counter; a negative limit means none.
func New(total, perAddr int) *Counter {
	c := &Counter{perAddr: perAddr, addrs: map[netip.Addr]int{}}
	if total > 0 {
		c.total = make(chan struct{}, total)
	}
	return c
}

// Wait takes a slot of the total, waiting for one until stop is closed. It
// reports whether it got one; Release or a Slot gives it back.
func (c *Counter) Wait(stop <-chan struct{}) bool {
	if c.total == nil {
		return true
	}
	select {
	case c.total <- struct{}{}:
		return true
	default:
	}
	select {
	case c.total <- struct{}{}:
		return true
	case <-stop:
		return false
	}
}

// Try takes a slot of the total if there is one.
func (c *Counter) Try() bool {
	if c.total == nil {
		return true
	}
	select {
	case c.total <- struct{}{}:
		return true
	default:
		return false
	}
}

// Release gives back a slot of the total.
func (c *Counter) Release() {
	if c.total != nil {
		<-c.total
	}
}

// Slot is the place of one connection. It is given back once, however often
// Release is called.
type Slot struct {
	c    *Counter
	key  netip.Addr
	once sync.Once
}

// Admit turns a slot of the total into one of a client. If the address has all it
// may have, the slot is given back and nil returned.
func (c *Counter) Admit(remote net.Addr) *Slot { return c.AdmitKey(Key(remote)) }

// AdmitKey is Admit for the [Key] of an address.
func (c *Counter) AdmitKey(key netip.Addr) *Slot {
	if key.IsValid() && c.perAddr > 0 {
		c.mu.Lock()
		full := c.addrs[key] >= c.perAddr
		if !full {
			c.addrs[key]++
		}
		c.mu.Unlock()
		if full {
			c.Release()
			return nil
		}
	}
	return &Slot{c: c, key: key}
}

// Release gives the slot back.
func (s *Slot) Release() {
	s.once.Do(func() {
		if s.key.IsValid() && s.c.perAddr > 0 {
			s.c.mu.Lock()
			if s.c.addrs[s.key]--; s.c.addrs[s.key] <= 0 {
				delete(s.c.addrs, s.key)
			}
			s.c.mu.Unlock()
		}
		s.c.Release()
	})
}

// Key returns what an address counts as: an IPv4 address, or the /64 of an IPv6
// one. It is invalid for addresses without IP, which are not limited one by one.
func Key(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return KeyIP(tcp.AddrPort().Addr())
}

// KeyIP is Key for an IP address.
func KeyIP(ip netip.Addr) netip.Addr {
	if ip = ip.Unmap().WithZone(""); !ip.Is6() {
		return ip
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return p.Addr()
}
