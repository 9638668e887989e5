//go:build !linux && !darwin

package udp

import (
	"net"
	"net/netip"
)

const controlSize = 0

// askLocal reports that the kernel does not tell where datagrams were sent to.
func askLocal(*net.UDPConn) bool { return false }

// sourceControl is nothing: the kernel chooses the address that a datagram leaves from.
type sourceControl struct{}

func (c *sourceControl) reset()                 {}
func (c *sourceControl) control() []byte        { return nil }
func (c *sourceControl) from([]byte) netip.Addr { return netip.Addr{} }
