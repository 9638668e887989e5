package h3_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// tap is the socket of a client.
type tap struct {
	net.PacketConn
	retry chan struct{} // closed when the server has sent a Retry
	gate  chan struct{} // what is sent after that waits until it is closed; nil does not

	mu      sync.Mutex
	retries int
	last    []byte // large datagram that was sent, with a short header
}

func newTap(t *testing.T, gate chan struct{}) *tap {
	t.Helper()
	return &tap{PacketConn: packetConn(t), retry: make(chan struct{}), gate: gate}
}

func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := t.PacketConn.ReadFrom(b)
	if n > 0 && b[0]&0xf0 == 0xf0 { // RFC 9000, section 17.2.5
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.retries++; t.retries == 1 {
			close(t.retry)
		}
	}
	return n, from, err
}

func (t *tap) WriteTo(b []byte, to net.Addr) (int, error) {
	select {
	case <-t.retry:
		if t.gate != nil {
			<-t.gate
		}
	default:
	}
	if len(b) > 500 && b[0]&0x80 == 0 {
		t.mu.Lock()
		t.last = append([]byte(nil), b...)
		t.mu.Unlock()
	}
	return t.PacketConn.WriteTo(b, to)
}

// dial opens connections by the tap.
func (t *tap) dial(tokens quic.TokenStore) func(*http3.Transport) {
	via := &quic.Transport{Conn: t}
	return func(tr *http3.Transport) {
		tr.QUICConfig = &quic.Config{TokenStore: tokens, HandshakeIdleTimeout: patience}
		tr.Dial = func(ctx context.Context, addr string, config *tls.Config, qc *quic.Config) (*quic.Conn, error) {
			to, err := net.ResolveUDPAddr("udp", addr)
			if err != nil {
				return nil, err
			}
			return via.Dial(ctx, to, config, qc)
		}
	}
}

// demanded is how often the client had to prove its address.
func (t *tap) demanded() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.retries
}

// tapped is a client by the tap, which is closed when the test ends.
func (p *processes) tapped(t *tap, tokens quic.TokenStore) *client {
	p.t.Helper()
	p.t.Cleanup(func() { _ = t.PacketConn.Close() })
	return newClient(p.t, p, t.dial(tokens))
}

// tokens is a store that tells of the first one.
type tokens struct {
	quic.TokenStore
	once sync.Once
	got  chan struct{}
}

func (s *tokens) Put(key string, token *quic.ClientToken) {
	s.TokenStore.Put(key, token)
	s.once.Do(func() { close(s.got) })
}

// What a process has given to a client for the proof of its address is good for those that
// follow it.
func TestHandoverTokens(t *testing.T) {
	t.Parallel()
	p := begin(t, program{Retry: h3.RetryAlways})
	first := p.cmd.Process.Pid
	kept := &tokens{TokenStore: quic.NewLRUTokenStore(1, 1), got: make(chan struct{})}
	before := newTap(t, nil)
	c := p.tapped(before, kept)
	s, err := fetch(c, c.request(t, "GET", "/", nil))
	assert.NoError(t, err)
	assert.Equal(t, s.Pid, first)
	assert.Equal(t, before.demanded() > 0, true, "a Retry to who has no token")
	select {
	case <-kept.got:
	case <-time.After(patience):
		t.Fatal("there is no NEW_TOKEN")
	}

	between := newTap(t, make(chan struct{}))
	late := p.tapped(between, nil)
	answer := make(chan seen, 1)
	req := late.request(t, "GET", "/", nil)
	go func() {
		s, err := fetch(late, req)
		if err != nil {
			t.Errorf("Retry of the old process: %v", err)
		}
		answer <- s
	}()
	<-between.retry
	second := p.handsOver(first, 1)
	p.ends(first)
	demanded := between.demanded() // one for each datagram of its ClientHello
	close(between.gate)
	assert.Equal(t, (<-answer).Pid, second)
	assert.Equal(t, between.demanded(), demanded, "Retry packets of the old process")

	after := newTap(t, nil)
	c = p.tapped(after, kept)
	s, err = fetch(c, c.request(t, "GET", "/", nil))
	assert.NoError(t, err)
	assert.Equal(t, s.Pid, second)
	assert.Equal(t, after.demanded(), 0, "Retry packets to who has a token of the old process")
	p.stop(second)
}

// flood sends a datagram many times.
func (p *processes) flood(b []byte) {
	p.t.Helper()
	pc := packetConn(p.t)
	defer pc.Close()
	for range 20_000 {
		_, err := pc.WriteTo(b, p.addr)
		assert.NoError(p.t, err)
	}
}

// The next process does not suffer when the old one does not read, nor when it is killed, and
// tells the clients of that one.
func TestHandoverOldKilled(t *testing.T) {
	t.Parallel()
	p := begin(t, program{})
	first := p.look()
	client := newTap(t, nil)
	h := p.upload(p.tapped(client, nil))
	second := p.handsOver(first.Pid, 1)
	before := p.look()
	assert.Equal(t, before.Pid, second)
	client.mu.Lock()
	datagram := client.last
	client.mu.Unlock()

	assert.NoError(t, syscall.Kill(first.Pid, syscall.SIGSTOP))
	p.flood(datagram)
	assert.Equal(t, p.look().Pid, second)
	assert.NoError(t, syscall.Kill(first.Pid, syscall.SIGKILL))
	assert.Equal(t, p.reap(), -1)
	p.flood(datagram)

	_, _ = h.rest.Write(make([]byte, 20_000)) // it may be closed already
	err := <-h.answer
	var reset *quic.StatelessResetError
	if !errors.As(err, &reset) {
		t.Errorf("the client of the old process got %v, want a stateless reset", err)
	}
	assert.Eventually(t, patience, "as few descriptors as before", func() bool {
		return p.look().Files <= first.Files
	})
	if heap := p.look().Heap; heap > before.Heap+4<<20 {
		t.Errorf("%d bytes are live, and were %d", heap, before.Heap)
	}
	p.stop(second)
}

// If the next process does not come up nothing changes for clients.
func TestHandoverFails(t *testing.T) {
	t.Parallel()
	p := begin(t, program{})
	pid := p.cmd.Process.Pid
	before := p.look()
	conn := http3.Transport{}
	c := conn.NewClientConn(dial(t, p))
	ask := func(who int) {
		t.Helper()
		s, err := fetch(c, (&client{base: "https://" + p.addr.String()}).request(t, "GET", "/", nil))
		assert.NoError(t, err)
		assert.Equal(t, s.Pid, who)
	}
	ask(pid)
	h := p.upload(newClient(t, p))
	p.replace("exit 3")
	for n := range 2 {
		assert.NoError(t, syscall.Kill(pid, syscall.SIGUSR2))
		assert.Contains(t, p.await(n+1, "hand-over failed, going on")[n].Err, "ended before it was up")
		ask(pid)
		h.send(t)
	}
	assert.Equal(t, h.ends(t).Pid, pid)
	assert.Eventually(t, patience, "as few descriptors as before", func() bool {
		return p.look().Files <= before.Files+1 // one attempt is kept until the next
	})
	p.restore()
	next := p.handsOver(pid, 1)
	p.ends(pid)
	assert.Equal(t, p.look().Pid, next)
	p.stop(next)
}

// Clients without requests hold nobody up: not a process that ends, nor one that has handed
// over.
func TestHandoverIdleClients(t *testing.T) {
	t.Parallel()
	p := begin(t, program{})
	first := p.cmd.Process.Pid
	connect := func() {
		for range 10 { // they leave it to the server to end the connection
			assert.Equal(t, dialRaw(t, p).request(ask("GET", "/")).status, 200)
		}
	}
	connect()
	second := p.handsOver(first, 1)
	after := p.ends(first)
	connect()
	last := p.stop(second)
	for _, e := range []ending{after, last} {
		assert.Equal(t, e.Report.Idle+e.Report.Drained, 10, "connections, which may have been about to be idle")
		if e.Report.Elapsed > patience/2 {
			t.Errorf("it took %v", e.Report.Elapsed)
		}
	}
	t.Logf("drains of 10 idle clients: %v behind a hand-over, %v at the end", after.Report.Elapsed, last.Report.Elapsed)
}
