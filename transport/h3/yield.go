package h3

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
)

// Two processes that read one UDP socket would get each other's datagrams. So the first one
// lets go of it, and the second hands on what is for connections of the first, which it tells
// by their ids: each begins with the tag of its process. Both send by the socket.
//
//	client ──> socket ──> successor ──(tag of the first)──> first
//	client <───────────────────────────────────────────────┘
//
// The keys of tokens and stateless resets are shared. A third process does the same to the
// second, and gets the way to the first, which may outlive the second.

// state is what a successor has to know.
type state struct {
	Keys keys
	// Tags are those of the processes whose datagrams are to be handed on, the last one first.
	Tags []tag
}

// heir is what a server has got from another process.
type heir struct {
	socket net.PacketConn
	keys   keys
}

// Yield returns the socket and some files more, for Succeed of another process, as
// [tako.Yielder] says. It needs a socket of the net package, and Linux; else the error matches
// [errors.ErrUnsupported].
func (s *Server) Yield() (files []*os.File, letGo func() error, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, nil, fmt.Errorf("h3: yield: %w", net.ErrClosed)
	case s.socket == nil:
		return nil, nil, errors.New("h3: Yield called before Listen")
	}
	files, release, err := yield(s.socket, s.keys)
	if err != nil {
		return nil, nil, fmt.Errorf("h3: yield: %w", err)
	}
	letGo = func() error {
		err := release()
		if err == nil {
			s.yielded.Store(true)
		}
		return err
	}
	return files, letGo, nil
}

// Succeed makes Listen use what Yield has returned in another process, as [tako.Yielder] says;
// a ready-made socket is closed.
func (s *Server) Succeed(files []*os.File) error {
	rest, err := s.take(files)
	if err == nil && len(rest) > 0 {
		closeFiles(rest)
		s.closeUnused()
		err = fmt.Errorf("h3: succeed: got %d files too many", len(rest))
	}
	return err
}

// take is Succeed with files behind them that are for others, which it returns. If it fails all
// are closed.
func (s *Server) take(files []*os.File) (rest []*os.File, err error) {
	left, n, err := succeed(files)
	if err != nil {
		closeFiles(files)
		return nil, fmt.Errorf("h3: succeed: %w", err)
	}
	closeFiles(files[:n])
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heir != nil || s.socket != nil || s.stopped {
		_ = left.socket.Close()
		closeFiles(files[n:])
		return nil, errors.New("h3: Succeed called twice, or after Listen or Shutdown")
	}
	s.heir = left
	return files[n:], nil
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

const (
	// maxProcesses is how many may be draining behind the one that reads the socket.
	maxProcesses = 16
	// maxState bounds what is read of another process. Each pipe has room for it.
	maxState = 4 << 10
)

// writeState returns the reading end of a pipe that holds st.
func writeState(st state) (*os.File, error) {
	text, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = w.Write(text)
	if err = errors.Join(err, w.Close()); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

func readState(f *os.File) (st state, err error) {
	text, err := io.ReadAll(io.LimitReader(f, maxState))
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal(text, &st)
}

// tagOf returns the beginning of a datagram's destination connection id, if that is one of ours
// by its length.
func tagOf(b []byte) (t tag, ok bool) {
	switch {
	case len(b) >= 1+idLen && b[0]&0x80 == 0: // short header
		copy(t[:], b[1:])
	case len(b) >= 6+idLen && b[0]&0x80 != 0 && b[5] == idLen: // long header
		copy(t[:], b[6:])
	default:
		return t, false
	}
	return t, true
}
