package h3

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/tako-go/tako/internal/assert"
)

func messages(n int) []ipv4.Message {
	ms := make([]ipv4.Message, n)
	for i := range ms {
		ms[i].Buffers = [][]byte{make([]byte, 1452)}
		ms[i].OOB = make([]byte, 128)
	}
	return ms
}

// fill makes a message of a datagram.
func fill(m *ipv4.Message, payload, oob string) {
	m.N, m.NN = copy(m.Buffers[0], payload), copy(m.OOB, oob)
	m.Addr = &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 4433, Zone: "eth0"}
}

// What is for another process gets there as it came, and the rest stays in its order.
func TestHandOn(t *testing.T) {
	t.Parallel()
	theirs, ours, err := packetPair()
	assert.NoError(t, err)
	defer ours.Close()
	c, err := net.FileConn(theirs)
	assert.NoError(t, err)
	_ = theirs.Close()
	to := c.(*net.UnixConn)
	other := newTag()
	id, err := other.GenerateConnectionID()
	assert.NoError(t, err)
	s := &socket{}
	s.ways.Store(&[]way{{other, to}})

	foreign := "\x40" + string(id.Bytes()) + "for the other"
	ms := messages(4)
	fill(&ms[0], foreign, "told by the kernel")
	fill(&ms[1], "first", "1")
	fill(&ms[2], foreign, "")
	fill(&ms[3], "second", "2")
	assert.Equal(t, s.keepOwn(ms), 2)
	for i, want := range []string{"first", "second"} {
		assert.Equal(t, string(ms[i].Buffers[0][:ms[i].N]), want)
		assert.Equal(t, string(ms[i].OOB[:ms[i].NN]), string(rune('1'+i)))
	}

	assert.NoError(t, ours.SetReadDeadline(time.Now().Add(20*time.Second)))
	got := messages(1)
	for _, oob := range []string{"told by the kernel", ""} {
		n, err := s.readHandedOn(ours, got)
		assert.NoError(t, err)
		assert.Equal(t, n, 1)
		assert.Equal(t, string(got[0].Buffers[0][:got[0].N]), foreign)
		assert.Equal(t, string(got[0].OOB[:got[0].NN]), oob)
		assert.Equal(t, got[0].Addr.String(), "[2001:db8::1%eth0]:4433")
	}

	_ = ours.Close() // the other process has ended
	fill(&ms[0], foreign, "")
	assert.Equal(t, s.keepOwn(ms[:1]), 1)
	assert.Equal(t, len(s.others()), 0)
}

// A process that is too busy loses datagrams, and does not hold the other one up.
func TestHandOnToBusy(t *testing.T) {
	t.Parallel()
	theirs, ours, err := packetPair()
	assert.NoError(t, err)
	defer ours.Close()
	c, err := net.FileConn(theirs)
	assert.NoError(t, err)
	_ = theirs.Close()
	other := newTag()
	id, _ := other.GenerateConnectionID()
	s := &socket{}
	s.ways.Store(&[]way{{other, c.(*net.UnixConn)}})
	defer c.Close()
	ms := messages(1)
	for range 10_000 {
		fill(&ms[0], "\x40"+string(id.Bytes())+string(bytes.Repeat([]byte("x"), 1000)), "")
		if s.keepOwn(ms) != 0 {
			t.Fatal("it was kept")
		}
	}
}

// gated has its only read wait.
type gated struct{ entered, gate chan struct{} }

func (g *gated) ReadBatch(ms []ipv4.Message, _ int) (int, error) {
	close(g.entered)
	<-g.gate
	fill(&ms[0], "late", "")
	return 1, nil
}

// Who lets go of the socket waits until it is not read any more.
func TestLetGoWaits(t *testing.T) {
	t.Parallel()
	s := shared(t)
	files, letGo, err := yield(s, newKeys())
	assert.NoError(t, err)
	defer closeFiles(files)
	batch := &gated{make(chan struct{}), make(chan struct{})}
	s.batch = batch
	read, gone := make(chan int), make(chan error, 1)
	go func() {
		n, _ := s.ReadBatch(messages(1), 0)
		read <- n
	}()
	<-batch.entered
	go func() { gone <- letGo() }()
	assert.Eventually(t, 20*time.Second, "it is let go of", func() bool { return s.from.Load() != nil })
	for range 1000 {
		runtime.Gosched()
	}
	assert.Equal(t, len(gone), 0)
	close(batch.gate)
	assert.Equal(t, <-read, 1)
	assert.NoError(t, <-gone)
}

// failing fails to read a few times before it reads.
type failing struct {
	errs []error
	read int
}

func (f *failing) ReadBatch([]ipv4.Message, int) (int, error) {
	f.read++
	if f.read <= len(f.errs) {
		return 0, f.errs[f.read-1]
	}
	return 1, nil
}

// CN-01, CN-12: what the system cannot do for a while does not end the server.
func TestReadErrors(t *testing.T) {
	t.Parallel()
	lasting := func(err error) error {
		return &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("recvmmsg", err)}
	}
	s := shared(t)
	var text bytes.Buffer
	logTo(s, slog.New(slog.NewTextHandler(&text, nil)))
	batch := &failing{errs: []error{lasting(unix.ENOMEM), lasting(unix.ENOBUFS), lasting(unix.EMFILE)}}
	s.batch = batch
	begun := time.Now()
	n, err := s.ReadBatch(messages(1), 0)
	assert.NoError(t, err)
	assert.Equal(t, n, 1)
	assert.Equal(t, batch.read, 4)
	if took := time.Since(begun); took < 7*firstDelay {
		t.Errorf("it tried again at once: it took %v", took)
	}
	assert.Equal(t, strings.Count(text.String(), "trying again"), 3)

	for _, end := range []error{net.ErrClosed, os.ErrDeadlineExceeded} {
		s.batch = &failing{errs: []error{lasting(end)}}
		_, err := s.ReadBatch(messages(1), 0)
		assert.ErrorIs(t, err, end)
	}
}

// A pause after an error does not outlast the socket.
func TestReadErrorsClose(t *testing.T) {
	t.Parallel()
	s := shared(t)
	ended := make(chan struct{})
	go func() {
		s.failed(unix.ENOMEM, time.Hour)
		close(ended)
	}()
	assert.NoError(t, s.Close())
	select {
	case <-ended:
	case <-time.After(lastDelay / 2):
		t.Error("it still waits")
	}
}

// Only what tells that nobody is at the other end counts as that.
func TestHasEnded(t *testing.T) {
	t.Parallel()
	for err, ended := range map[error]bool{io.EOF: true, unix.ECONNRESET: true, unix.EPIPE: true,
		unix.ENOMEM: false, unix.ENOBUFS: false, os.ErrDeadlineExceeded: false, net.ErrClosed: false, nil: false} {
		assert.Equal(t, hasEnded(err), ended, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{6, 127, 0, 0, 1, 1, 1, 2, 'a', 'b', 'c'})
	f.Fuzz(func(_ *testing.T, b []byte) {
		decode(b, &messages(1)[0])
	})
}
