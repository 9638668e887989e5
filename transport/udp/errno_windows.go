package udp

import (
	"errors"
	"syscall"
)

const (
	wsaEMSGSIZE     syscall.Errno = 10040
	wsaENETRESET    syscall.Errno = 10052
	wsaECONNREFUSED syscall.Errno = 10061
	wsaEHOSTUNREACH syscall.Errno = 10065
)

// isAnswer reports whether err is what became of a datagram that was sent before: an ICMP
// message, which the kernel tells once.
func isAnswer(err error) bool {
	errno := syscall.Errno(0)
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.WSAECONNRESET, wsaENETRESET, wsaECONNREFUSED, wsaEHOSTUNREACH:
		return true
	}
	return false
}

// isTooLong reports whether err is about a datagram that did not fit.
func isTooLong(err error) bool { return errors.Is(err, wsaEMSGSIZE) }
