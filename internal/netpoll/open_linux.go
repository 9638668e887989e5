package netpoll

import "fmt"

// Open makes a poller of a kind: [Epoll], [IOUring], or [Auto], which "" stands
// for. Auto takes io_uring if [Probe] finds nothing against it, else epoll. An
// error about IOUring wraps [ErrNoIOUring].
func Open(kind string) (Poller, error) {
	switch kind {
	case "", Auto:
		if p, err := openUring(); err == nil {
			return p, nil
		}
		return openEpoll()
	case Epoll:
		return openEpoll()
	case IOUring:
		return openUring()
	}
	return nil, fmt.Errorf("netpoll: unknown kind of poller %q", kind)
}
