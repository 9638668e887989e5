package udp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/udp"
)

// batches are the ways to read: one at a time, and several.
var batches = []int{1, 8}

func eachBatch(t *testing.T, run func(t *testing.T, batch int)) {
	for _, batch := range batches {
		t.Run(fmt.Sprintf("batch %d", batch), func(t *testing.T) { run(t, batch) })
	}
}

// faulty is a socket that fails to receive.
type faulty struct {
	net.PacketConn
	mu     sync.Mutex
	faults []error
	closed chan struct{}
	once   sync.Once
}

func newFaulty(faults ...error) *faulty {
	return &faulty{faults: faults, closed: make(chan struct{})}
}

func (f *faulty) ReadFrom(b []byte) (int, net.Addr, error) {
	f.mu.Lock()
	if len(f.faults) > 0 {
		err := f.faults[0]
		f.faults = f.faults[1:]
		f.mu.Unlock()
		if err != nil {
			return 0, nil, err
		}
		return copy(b, "alive"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, nil
	}
	f.mu.Unlock()
	<-f.closed
	return 0, nil, net.ErrClosed
}

func (f *faulty) LocalAddr() net.Addr             { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (f *faulty) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }
func (f *faulty) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

func TestCN01(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := os.NewSyscallError("recvfrom", syscall.ENOBUFS)
		faults := []error{nil}
		for range 10 {
			faults = append(faults, full)
		}
		faults = append(faults, nil, full, nil)
		conn, at, start := newFaulty(faults...), make(chan time.Duration, 3), time.Now()
		s := udp.New(func(_ context.Context, p *udp.Packet) error {
			assert.Equal(t, string(p.Data), "alive")
			at <- time.Since(start)
			return nil
		}, udp.Config{Conn: conn, Log: quiet})
		assert.NoError(t, s.Listen(t.Context()))
		served := make(chan error)
		go func() { served <- s.Serve() }()
		assert.Equal(t, <-at, 0, "before the faults")
		// 5 ms doubled until a second: 5 + 10 + … + 640 ms and twice 1 s.
		long := (5+10+20+40+80+160+320+640)*time.Millisecond + 2*time.Second
		assert.Equal(t, <-at, long, "after ten faults")
		assert.Equal(t, <-at, long+5*time.Millisecond, "after one more")
		assert.Equal(t, s.Stats().ReadErrors, 11)
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, <-served)
	})
}

// A shutdown does not wait for the end of a back-off.
func TestCN01Shutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := make([]error, 1000)
		for i := range faults {
			faults[i] = syscall.ENOBUFS
		}
		s := udp.New(echo, udp.Config{Conn: newFaulty(faults...), Log: quiet})
		assert.NoError(t, s.Listen(t.Context()))
		served := make(chan error)
		go func() { served <- s.Serve() }()
		<-time.After(5100 * time.Millisecond) // in the middle of a second
		start := time.Now()
		_, err := s.Shutdown(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, <-served)
		assert.Equal(t, time.Since(start), 0)
	})
}

// Who closes the socket of a server ends Serve with an error.
func TestClosedUnderneath(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	assert.NoError(t, err)
	s := udp.New(echo, udp.Config{Conn: conn, Log: quiet})
	assert.NoError(t, s.Listen(t.Context()))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	assert.NoError(t, conn.Close())
	assert.ErrorIs(t, <-served, net.ErrClosed)
	_, err = s.Shutdown(soon(t))
	assert.NoError(t, err)
}

func TestCN10(t *testing.T) {
	tests := []struct {
		cfg  udp.Config
		want string
	}{
		{udp.Config{Workers: -1}, "Workers is -1"},
		{udp.Config{Workers: 1 << 40}, "Workers is 1099511627776"},
		{udp.Config{Queue: -1}, "Queue is -1"},
		{udp.Config{Queue: 1 << 21}, "Queue is 2097152"},
		{udp.Config{MaxDatagram: -1}, "MaxDatagram is -1"},
		{udp.Config{MaxDatagram: 1<<20 + 1}, "MaxDatagram is 1048577"},
		{udp.Config{Batch: -1}, "Batch is -1"},
		{udp.Config{Batch: 1025}, "Batch is 1025"},
		{udp.Config{ReadBuffer: -1}, "ReadBuffer is -1"},
		{udp.Config{ReadBuffer: 1 << 31}, "ReadBuffer is 2147483648"},
		{udp.Config{Sockets: -1}, "Sockets is -1"},
		{udp.Config{Sockets: 1025}, "Sockets is 1025"},
		{udp.Config{Addr: "127.0.0.1:99999"}, "invalid port"},
		{udp.Config{Conn: newFaulty(), Sockets: 2}, "ready-made"},
		{udp.Config{Conn: newFaulty(), ReadBuffer: 4096}, "ReadBuffer"},
		{udp.Config{Conn: newFaulty(), Listen: func(context.Context) (net.PacketConn, error) { return nil, nil }}, "both set"},
		{udp.Config{Listen: func(context.Context) (net.PacketConn, error) { return nil, nil }}, "returned nothing"},
		{udp.Config{Listen: func(context.Context) (net.PacketConn, error) { return nil, errors.New("no such thing") }}, "no such thing"},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			if tt.cfg.Addr == "" {
				tt.cfg.Addr = "127.0.0.1:0"
			}
			s := udp.New(echo, tt.cfg)
			err := s.Listen(t.Context())
			if err == nil {
				t.Fatal("got no error")
			}
			assert.Contains(t, err.Error(), tt.want)
			assert.Equal(t, s.Addr(), nil, "address")
			if f, ok := tt.cfg.Conn.(*faulty); ok {
				<-f.closed
			}
			_, err = s.Shutdown(soon(t))
			assert.NoError(t, err)
		})
	}
}

// The largest values work.
func TestCN10Huge(t *testing.T) {
	log := &logText{}
	s := start(t, echo, udp.Config{Workers: 1 << 12, Queue: 1 << 20, MaxDatagram: 1 << 20, Batch: 1024, ReadBuffer: 1 << 30, Log: log.logger()})
	c := dial(t, s.Addr())
	c.send("hello")
	assert.Equal(t, c.answer(), "hello")
	if runtime.GOOS == "linux" {
		assert.Contains(t, log.String(), "grants a smaller buffer")
	}
}

func TestCN11(t *testing.T) {
	s := start(t, echo, udp.Config{})
	port := s.Addr().(*net.UDPAddr).Port
	if port == 0 {
		t.Error("port 0 is no address")
	}
	for _, sockets := range []int{1, 2} {
		second := udp.New(echo, udp.Config{Addr: s.Addr().String(), Sockets: sockets, Log: quiet})
		if err := second.Listen(t.Context()); err == nil {
			t.Errorf("%d sockets: the port is taken, got no error", sockets)
		}
		assert.Equal(t, second.Addr(), nil)
		if err := second.Serve(); err == nil {
			t.Error("Serve without Listen: got no error")
		}
	}
}

func TestCN12Flood(t *testing.T) {
	eachBatch(t, func(t *testing.T, batch int) {
		release, busy := make(chan struct{}), make(chan struct{}, 1000)
		before := runtime.NumGoroutine()
		log := &logText{}
		s := start(t, func(context.Context, *udp.Packet) error {
			busy <- struct{}{}
			<-release
			return nil
		}, udp.Config{Workers: 3, Queue: 5, Batch: batch, Log: log.logger()})
		c := dial(t, s.Addr())
		var free sync.Once
		defer free.Do(func() { close(release) })
		const sent = 2000
		for i := range sent {
			c.send("flood")
			if i%50 == 49 { // or the kernel drops them
				assert.Eventually(t, patience, "all are received", func() bool { return s.Stats().Received == int64(i+1) })
			}
		}
		for range 3 {
			<-busy
		}
		assert.Eventually(t, patience, "dropped what has no room", func() bool { return s.Stats().Dropped == sent-3-5 })
		st := s.Stats()
		assert.Equal(t, st.InFlight, 3, "in flight")
		assert.Equal(t, st.Queued, 5, "queued")
		assert.Equal(t, st.Served, 0, "served")
		if n := runtime.NumGoroutine() - before; n > 3+1+1+2 {
			t.Errorf("%d goroutines", n)
		}
		if lines := strings.Count(log.String(), "dropped="); lines == 0 || lines > 11 {
			t.Errorf("%d log lines for %d dropped", lines, st.Dropped)
		}
		free.Do(func() { close(release) })
		st = settled(t, s)
		assert.Equal(t, st.Served, 8, "served")
		assert.Equal(t, st.ReceivedBytes, sent*5, "bytes")
		c.send("after")
		assert.Eventually(t, patience, "it goes on", func() bool { return s.Stats().Served == 9 })
	})
}

// The answer to a datagram that nobody wanted is no reason to stop receiving.
func TestCN12ICMP(t *testing.T) {
	eachBatch(t, func(t *testing.T, batch int) {
		gone, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		assert.NoError(t, err)
		to := gone.LocalAddr().(*net.UDPAddr).AddrPort()
		assert.NoError(t, gone.Close())
		s := start(t, func(_ context.Context, p *udp.Packet) error {
			if string(p.Data) == "knock" {
				_, _ = p.WriteTo([]byte("anybody?"), to)
			}
			return echo(nil, p)
		}, udp.Config{Batch: batch})
		c := dial(t, s.Addr())
		for range 100 {
			c.send("knock")
			assert.Equal(t, c.answer(), "knock")
		}
		c.send("hello")
		assert.Equal(t, c.answer(), "hello")
	})
}

// A connected socket is told; it must not wait between the answers.
func TestCN12ICMPConnected(t *testing.T) {
	eachBatch(t, func(t *testing.T, batch int) {
		peer, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		assert.NoError(t, err)
		at := peer.LocalAddr().(*net.UDPAddr)
		conn, err := net.DialUDP("udp", nil, at)
		assert.NoError(t, err)
		log := &logText{}
		s := start(t, echo, udp.Config{Conn: conn, Batch: batch, Log: log.logger()})
		assert.NoError(t, peer.Close())
		const knocks = 200
		for i := range knocks {
			for { // the write may get the error of the last one
				if _, err := conn.Write([]byte("anybody?")); err == nil {
					break
				}
			}
			if i == 0 {
				assert.Eventually(t, patience, "an ICMP error arrives", func() bool { return s.Stats().ReadErrors > 0 })
			}
		}
		peer, err = net.ListenUDP("udp", at)
		assert.NoError(t, err)
		defer peer.Close()
		_, err = peer.WriteTo([]byte("back"), conn.LocalAddr())
		assert.NoError(t, err)
		buf := make([]byte, 100)
		assert.NoError(t, peer.SetReadDeadline(time.Now().Add(patience)))
		for string(buf[:4]) != "back" {
			_, _, err = peer.ReadFrom(buf)
			assert.NoError(t, err)
		}
		if strings.Contains(log.String(), "trying again") {
			t.Errorf("it waited after errors:\n%s", log)
		}
	})
}

func TestCN12Truncated(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("longer datagrams are dropped there")
	}
	eachBatch(t, func(t *testing.T, batch int) {
		s := start(t, func(_ context.Context, p *udp.Packet) error {
			_, err := p.Reply(fmt.Appendf(nil, "%d %v", len(p.Data), p.Truncated))
			return err
		}, udp.Config{Batch: batch, MaxDatagram: 100})
		c := dial(t, s.Addr())
		for _, tt := range []struct {
			size int
			want string
		}{{0, "0 false"}, {99, "99 false"}, {100, "100 false"}, {101, "100 true"}, {60000, "100 true"}, {1, "1 false"}} {
			c.send(strings.Repeat("x", tt.size))
			assert.Equal(t, c.answer(), tt.want, tt.size)
		}
		st := settled(t, s)
		assert.Equal(t, st.Truncated, 2)
		assert.Equal(t, st.ReceivedBytes, 400)
		assert.Equal(t, st.Sent, 6)
	})
}

func TestCN14(t *testing.T) {
	infos := make(chan *tako.ConnInfo, 1)
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"} {
		t.Run(addr, func(t *testing.T) {
			if addr[0] == '[' {
				needIPv6(t)
			}
			eachBatch(t, func(t *testing.T, batch int) {
				s := start(t, func(_ context.Context, p *udp.Packet) error {
					assert.Equal(t, p.Remote().Addr().Is4In6(), false, "mapped")
					infos <- p.Info()
					return nil
				}, udp.Config{Addr: addr, Batch: batch})
				port := s.Addr().(*net.UDPAddr).Port
				ips := []string{"127.0.0.1"}
				switch addr {
				case "[::1]:0":
					ips = []string{"::1"}
				case "[::]:0":
					ips = []string{"127.0.0.1", "::1"}
				}
				for _, ip := range ips {
					c := dial(t, &net.UDPAddr{IP: net.ParseIP(ip), Port: port})
					c.send("who?")
					info := <-infos
					assert.Equal(t, info.Transport, "udp")
					assert.Equal(t, info.Remote.String(), c.LocalAddr().String(), "remote")
					if runtime.GOOS == "linux" {
						assert.Equal(t, info.Local.String(), c.RemoteAddr().String(), "local")
					}
				}
			})
		})
	}
}
