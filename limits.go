package tako

import (
	"fmt"
	"time"
)

// Limits bounds what clients may take of a server. Every runtime honours all of
// them. Zero means the default and [NoLimit] no bound; other negative values are
// an error of Listen.
type Limits struct {
	// HeaderTimeout bounds the time from the first byte of a request, or from the
	// connection, to the end of its head.
	// Default: 10 s.
	HeaderTimeout time.Duration
	// HandshakeTimeout bounds the TLS handshake of a connection.
	// Default: 10 s.
	HandshakeTimeout time.Duration
	// BodyTimeout bounds the time that a request body may take in all.
	// Default: 1 h.
	BodyTimeout time.Duration
	// MinBodyRate is the least number of bytes a second a request body must come
	// with while the handler waits for it, after a grace of 5 s.
	// Default: 240.
	MinBodyRate int
	// IdleTimeout bounds the time between two requests of a connection.
	// Default: 75 s.
	IdleTimeout time.Duration
	// WriteTimeout bounds the time that a piece of a response of up to 64 KiB may
	// wait for the client to take it.
	// Default: 60 s.
	WriteTimeout time.Duration
	// HeaderBytes bounds the head of a request; more is answered 431.
	// Default: 64 KiB.
	HeaderBytes int
	// HeaderFields bounds the number of field lines of a request; more is answered 431.
	// Default: 100.
	HeaderFields int
	// TargetBytes bounds the request-target; more is answered 414.
	// Default: 8 KiB.
	TargetBytes int
	// Conns bounds the connections of a listener. More wait in the accept queue.
	// Default: 65536.
	Conns int
	// ConnsPerAddr bounds the connections of one client address, IPv6 addresses
	// counted by /64. More are closed at once.
	// Default: three quarters of Conns.
	ConnsPerAddr int
}

// WithDefaults returns l with defaults for what is zero; the error names the
// first field that is invalid.
func (l Limits) WithDefaults() (Limits, error) {
	var err error
	set(&l.HeaderTimeout, 10*time.Second, "HeaderTimeout", &err)
	set(&l.HandshakeTimeout, 10*time.Second, "HandshakeTimeout", &err)
	set(&l.BodyTimeout, time.Hour, "BodyTimeout", &err)
	set(&l.MinBodyRate, 240, "MinBodyRate", &err)
	set(&l.IdleTimeout, 75*time.Second, "IdleTimeout", &err)
	set(&l.WriteTimeout, 60*time.Second, "WriteTimeout", &err)
	set(&l.HeaderBytes, 64<<10, "HeaderBytes", &err)
	set(&l.HeaderFields, 100, "HeaderFields", &err)
	set(&l.TargetBytes, 8<<10, "TargetBytes", &err)
	set(&l.Conns, 65536, "Conns", &err)
	perAddr := NoLimit
	if l.Conns > 0 {
		perAddr = max(l.Conns-l.Conns/4, 1)
	}
	set(&l.ConnsPerAddr, perAddr, "ConnsPerAddr", &err)
	return l, err
}

func set[T ~int | ~int64](field *T, value T, name string, err *error) {
	if *field == 0 {
		*field = value
	}
	if *field < NoLimit && *err == nil {
		*err = fmt.Errorf("tako: limit %s is %d: it must be positive, 0 for the default or NoLimit", name, int64(*field))
	}
}
