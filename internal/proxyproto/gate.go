package proxyproto

import (
	"errors"
	"net/netip"
	"time"

	"github.com/tako-go/tako"
)

// ErrNoHeader is returned where a header is required and something else came.
var ErrNoHeader = errors.New("proxyproto: no header")

// Verdict says what a connection may begin with.
type Verdict uint8

const (
	// Plain connections have no header: what looks like one is not.
	Plain Verdict = iota
	// Expect connections are to be given to [Gate.Look] or [NewConn].
	Expect
	// Refuse connections are closed.
	Refuse
)

// Gate applies a [tako.ProxyConfig]. It is used by many goroutines at once. A nil Gate knows
// no headers.
type Gate struct {
	mode    tako.ProxyMode
	trusted []netip.Prefix
	timeout time.Duration
	max     int
}

// NewGate returns a Gate for c, with its defaults; nil if the mode is [tako.ProxyOff].
func NewGate(c tako.ProxyConfig) (*Gate, error) {
	c, err := c.WithDefaults()
	if err != nil || c.Mode == tako.ProxyOff {
		return nil, err
	}
	trusted, err := c.Networks()
	if err != nil {
		return nil, err
	}
	return &Gate{mode: c.Mode, trusted: trusted, timeout: c.Timeout, max: c.MaxBytes}, nil
}

// Admit judges a connection by the address of its peer; one without, as of a Unix socket, is
// trusted.
func (g *Gate) Admit(remote netip.Addr) Verdict {
	switch {
	case g == nil:
		return Plain
	case !remote.IsValid():
		return Expect
	}
	remote = remote.Unmap().WithZone("")
	for _, network := range g.trusted {
		if network.Contains(remote) {
			return Expect
		}
	}
	if g.mode == tako.ProxyRequired {
		return Refuse
	}
	return Plain
}

// Plain reports whether all that has come on a connection that is to [Expect] a header, which
// has ended then, is no header, and need not be one.
func (g *Gate) Plain(b []byte) bool {
	whole, _ := Begins(b)
	return g.mode != tako.ProxyRequired && !whole
}

// Timeout is how long after a connection began its header has to be there; 0 for a nil Gate.
func (g *Gate) Timeout() time.Duration {
	if g == nil {
		return 0
	}
	return g.timeout
}

// MaxBytes is the most that [Gate.Look] needs to see; 0 for a nil Gate.
func (g *Gate) MaxBytes() int {
	if g == nil {
		return 0
	}
	return g.max
}

// Look looks at all that has come so far on a connection that is to Expect a header. If done is
// false more has to come. Otherwise the first n bytes of b were the header, and next describes the
// connection: a copy of info with what the header says, or info itself if there is no header or it
// does not count. The error matches [ErrMalformed], or [ErrNoHeader] where a header is required;
// the connection is then closed. Nothing points into b afterwards.
func (g *Gate) Look(b []byte, info *tako.ConnInfo) (next *tako.ConnInfo, n int, done bool, err error) {
	if whole, part := Begins(b); !whole && !part {
		if g.mode == tako.ProxyRequired {
			return nil, 0, true, ErrNoHeader
		}
		return info, 0, true, nil
	}
	var h Header
	n, err = h.Parse(b, g.max)
	switch {
	case err != nil:
		return nil, 0, true, err
	case n == 0:
		return nil, 0, false, nil
	case g.mode == tako.ProxyIgnore:
		return info, n, true, nil
	}
	told := &introduced{info: *info}
	h.fill(&told.header, info.Remote, info.Local)
	told.info.Proxy = &told.header
	switch {
	case h.Local:
	case h.SourcePath != nil || h.DestinationPath != nil:
		told.info.Remote, told.info.Local = h.Ends()
	default:
		told.info.Remote, told.info.Local = told.addr(0, h.Source), told.addr(1, h.Destination)
	}
	return &told.info, n, true, nil
}
