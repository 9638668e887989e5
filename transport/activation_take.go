package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// inherited is what the process was started with, read at the first call.
var inherited = sync.OnceValue(readEnvironment)

// passed are the sockets of a process. It is used by many goroutines at once.
type passed struct {
	sockets []SocketInfo // without Taken
	err     error        // what is wrong with the environment
	note    string       // why there are none, if that is known

	mu    sync.Mutex
	taken map[int]bool // by descriptor, also those without the environment
}

func (p *passed) list() []SocketInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.sockets) == 0 {
		return nil
	}
	list := make([]SocketInfo, len(p.sockets))
	for i, s := range p.sockets {
		s.Taken = p.taken[s.FD]
		list[i] = s
	}
	return list
}

// all says what there is.
func (p *passed) all() string {
	var lines []string
	for _, s := range p.list() {
		lines = append(lines, s.String())
	}
	switch {
	case lines != nil:
		return "there are " + strings.Join(lines, "; ")
	case p.note != "":
		return "there are none: " + p.note
	}
	return "there are none: LISTEN_FDS is not set"
}

func (p *passed) byName(name string, want sort) (*socketFile, error) {
	if p.err != nil {
		return nil, p.err
	}
	var named []SocketInfo
	for _, s := range p.list() {
		if s.Name == name {
			named = append(named, s)
		}
	}
	if named == nil {
		if i, err := strconv.ParseUint(name, 10, 16); err == nil && int(i) < len(p.sockets) {
			named = p.list()[i : i+1]
		}
	}
	if named == nil {
		return nil, fmt.Errorf("no socket %q was passed: %s", name, p.all())
	}
	return p.takeOne(named, want)
}

func (p *passed) byFD(fd int, want sort) (*socketFile, error) {
	if fd < 0 {
		return nil, fmt.Errorf("fd %d: a descriptor is not negative", fd)
	}
	p.mu.Lock()
	taken := p.taken[fd]
	p.mu.Unlock()
	if taken { // the number may be something else by now
		return nil, takenError(fd)
	}
	s, err := inspect(fd)
	if err != nil {
		return nil, fmt.Errorf("fd %d: %w", fd, err)
	}
	return p.takeOne([]SocketInfo{s}, want)
}

// byAddr returns neither a file nor an error if no socket is bound to the address.
func (p *passed) byAddr(ctx context.Context, network, addr string, want sort) (*socketFile, error) {
	if p.err != nil {
		return nil, p.err
	}
	var bound []SocketInfo
	for _, s := range p.list() {
		if s.Network != strings.TrimRight(network, "46") || want.fits(s) != "" {
			continue
		}
		same, err := isBound(ctx, s, network, addr)
		if err != nil {
			return nil, err
		}
		if same {
			bound = append(bound, s)
		}
	}
	if bound == nil {
		return nil, nil
	}
	return p.takeOne(bound, want)
}

// takeOne takes the first that fits and is left.
func (p *passed) takeOne(sockets []SocketInfo, want sort) (*socketFile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range sockets {
		wrong := want.fits(s)
		switch {
		case p.taken[s.FD]:
			errs = append(errs, takenError(s.FD))
		case wrong != "":
			errs = append(errs, errors.New(wrong))
		default:
			file, err := take(s.FD, "fd "+strconv.Itoa(s.FD))
			if err != nil {
				return nil, fmt.Errorf("fd %d: %w", s.FD, err)
			}
			p.taken[s.FD] = true
			return &socketFile{file, s.Network}, nil
		}
	}
	return nil, errors.Join(errs...)
}

func takenError(fd int) error {
	return fmt.Errorf("fd %d is taken: each socket can be had once", fd)
}

// isBound reports whether a socket is what somebody who listens on addr would have. Names
// are looked up only if the port is the same.
func isBound(ctx context.Context, s SocketInfo, network, addr string) (bool, error) {
	switch s.Network {
	case "unix":
		return s.Addr == addr || addr != "" && addr[0] != '@' && s.Addr == filepath.Clean(addr), nil
	case "vsock":
		cid, port, err := parseVSock(addr)
		return err == nil && port != 0 && s.Addr == vsockText(cid, port), nil
	}
	at, err := netip.ParseAddrPort(s.Addr)
	if err != nil {
		return false, nil
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return false, nil // whoever listens there tells
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil || port != int(at.Port()) {
		return false, nil
	}
	ip := at.Addr().Unmap()
	if strings.HasSuffix(network, "4") && !ip.Is4() || strings.HasSuffix(network, "6") && ip.Is4() {
		return false, nil
	}
	if host == "" {
		return ip.IsUnspecified(), nil
	}
	if asked, err := netip.ParseAddr(host); err == nil {
		return asked.Unmap() == ip, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false, fmt.Errorf("listen %s: %w", addr, err)
	}
	for _, found := range ips {
		if found.Unmap() == ip {
			return true, nil
		}
	}
	return false, nil
}
