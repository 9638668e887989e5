package h3

import (
	"bytes"
	"net"
	"testing"

	"golang.org/x/net/ipv4"

	"github.com/tako-go/tako/internal/assert"
)

// processBefore is a way to a process, and the end that this one has.
func processBefore(t *testing.T) (w way, end *net.UnixConn) {
	t.Helper()
	theirs, ours, err := packetPair()
	assert.NoError(t, err)
	c, err := net.FileConn(theirs)
	assert.NoError(t, err)
	assert.NoError(t, theirs.Close())
	t.Cleanup(func() { _, _ = ours.Close(), c.Close() })
	return way{newTag(), c.(*net.UnixConn)}, ours
}

// shared is a socket with ways to processes before this one.
func shared(t *testing.T, ways ...way) *socket {
	t.Helper()
	pc, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	assert.NoError(t, err)
	s := newSocket(pc)
	s.ways.Store(&ways)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// told yields the socket, and returns what the next process is told.
func told(t *testing.T, s *socket) state {
	t.Helper()
	files, _, err := yield(s, newKeys())
	assert.NoError(t, err)
	defer closeFiles(files)
	st, err := readState(files[stateFile])
	assert.NoError(t, err)
	assert.Equal(t, len(files), olderFiles-1+len(st.Tags))
	return st
}

// A datagram that cannot be handed on is lost; the way stays, as its process would read the
// socket without one.
func TestHandOnTooLarge(t *testing.T) {
	t.Parallel()
	w, _ := processBefore(t)
	assert.NoError(t, w.to.SetWriteBuffer(5000))
	id, err := w.tag.GenerateConnectionID()
	assert.NoError(t, err)
	s := &socket{}
	s.ways.Store(&[]way{w})
	ms := []ipv4.Message{{Buffers: [][]byte{make([]byte, 50_000)}, OOB: make([]byte, 128)}}
	fill(&ms[0], "\x40"+string(id.Bytes())+string(bytes.Repeat([]byte("x"), 40_000)), "")
	assert.Equal(t, s.keepOwn(ms), 0)
	assert.Equal(t, len(s.others()), 1)
}

// The next process hears of those that live, at the time when it is asked.
func TestYieldWays(t *testing.T) {
	t.Parallel()
	var ways []way
	var ends []*net.UnixConn
	for range 3 {
		w, end := processBefore(t)
		ways, ends = append(ways, w), append(ends, end)
	}
	s := shared(t, ways...)
	assert.Equal(t, told(t, s).Tags[1:], []tag{ways[0].tag, ways[1].tag, ways[2].tag})
	assert.NoError(t, ends[1].Close()) // it has ended, and that was not seen yet
	assert.Equal(t, told(t, s).Tags[1:], []tag{ways[0].tag, ways[2].tag})
	assert.NoError(t, ways[0].to.Close()) // it was dropped just now
	assert.Equal(t, told(t, s).Tags[1:], []tag{ways[2].tag})
}

// Where a way cannot be passed on, or there are too many, there is no hand-over: a process
// that nobody has a way to would read the socket too.
func TestYieldWaysFail(t *testing.T) {
	t.Parallel()
	w, _ := processBefore(t)
	s := shared(t, w, way{newTag(), new(net.UnixConn)})
	files, _, err := yield(s, newKeys())
	closeFiles(files)
	if err == nil {
		t.Error("a way was left out")
	}

	var ways []way
	for range maxProcesses - 1 {
		w, _ := processBefore(t)
		ways = append(ways, w)
	}
	assert.Equal(t, len(told(t, shared(t, ways...)).Tags), maxProcesses)
	w, end := processBefore(t)
	s = shared(t, append(ways, w)...)
	files, _, err = yield(s, newKeys())
	closeFiles(files)
	if err == nil {
		t.Fatal("more processes than may be were passed on")
	}
	assert.Contains(t, err.Error(), "too many processes")
	assert.NoError(t, end.Close())
	assert.Equal(t, len(told(t, s).Tags), maxProcesses)
}
