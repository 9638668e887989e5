//go:build unix

package udp

import (
	"errors"
	"syscall"
)

// isAnswer reports whether err is what became of a datagram that was sent before: an ICMP
// message, which the kernel tells once.
func isAnswer(err error) bool {
	errno := syscall.Errno(0)
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EHOSTDOWN,
		syscall.ENOPROTOOPT, syscall.EMSGSIZE, syscall.EPROTO:
		return true
	}
	return false
}

// isTooLong reports whether err is about a datagram that did not fit, which is flagged instead.
func isTooLong(error) bool { return false }
