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
	c        *Counter
	key      netip.Addr
	once     sync.Once
	released bool // under mu of c
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
		if s.c.perAddr > 0 {
			s.c.mu.Lock()
			s.c.drop(s.key)
			s.released = true
			s.c.mu.Unlock()
		}
		s.c.Release()
	})
}

// Rekey counts the connection to another address, that of the client behind a proxy. It
// returns false if that has all it may have; the slot then stays with the one it had. It is
// called by who has the connection.
func (s *Slot) Rekey(key netip.Addr) bool {
	if s.c.perAddr <= 0 {
		return true
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.released || key == s.key {
		return true
	}
	if key.IsValid() {
		if s.c.addrs[key] >= s.c.perAddr {
			return false
		}
		s.c.addrs[key]++
	}
	s.c.drop(s.key)
	s.key = key
	return true
}

// drop counts one connection less. It is called with mu held.
func (c *Counter) drop(key netip.Addr) {
	if !key.IsValid() {
		return
	}
	if c.addrs[key]--; c.addrs[key] <= 0 {
		delete(c.addrs, key)
	}
}

// Key returns what an address counts as: an IPv4 address, or the /64 of an IPv6
// one. It is invalid for addresses without IP, which are not limited one by one.
func Key(a net.Addr) netip.Addr {
	return KeyIP(IP(a))
}

// Gone reports whether a connection of IP has lost its other end before anybody asked who that
// is.
func Gone(c net.Conn) bool {
	_, tcp := c.LocalAddr().(*net.TCPAddr)
	return tcp && !IP(c.RemoteAddr()).IsValid()
}

// IP returns the IP address of an end of a connection, without zone; invalid if it has none.
func IP(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
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
