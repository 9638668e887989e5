package soak

import (
	"bytes"
	"fmt"
	"math"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// mux is a connection of HTTP/2 to the server. One goroutine reads and looks whether
// each frame may come; another writes what the others have left, so that none of
// them waits for the server while it does not read.
type mux struct {
	x      *rotation
	conn   net.Conn
	tcp    *net.TCPConn // below TLS
	style  style
	dialed time.Time
	began  time.Time // when the preface was handed over
	served int
	gone   sync.WaitGroup // of both goroutines

	mu      sync.Mutex // guards the rest
	changed sync.Cond
	out     bytes.Buffer // for the writer
	fr      *http2.Framer
	enc     *hpack.Encoder
	block   bytes.Buffer
	streams map[uint32]*stream
	dropped map[uint32]bool // streams that the client has reset
	next    uint32
	sends   window   // of the connection, for what the client sends
	takes   window   // and for what the server does
	eats    int      // bytes of the server's that are to be given back
	opens   int64    // the window of new streams for what the client sends
	room    int64    // and for what the server does
	acks    []func() // of what the client's SETTINGS change when they are acknowledged
	told    bool     // GOAWAY has come
	last    uint32   // and named this stream
	code    http2.ErrCode
	err     error // how the connection has ended
	closed  bool  // by the client
}

type window int64

// style is how a client behaves.
type style struct {
	room  int64 // what the server may send on a stream
	sip   time.Duration
	drip  time.Duration
	games bool // windows change all the time
	loose bool // nobody waits for answers
	flaky bool // streams are reset
	crowd bool // there are more streams than the server allows
}

func plain(int) style  { return style{room: 256 << 10} }
func stingy(int) style { return style{room: 20000, sip: time.Millisecond} }
func gaming(round int) style {
	return style{room: [...]int64{0, 1, 100, 5000, 65535, 1 << 20}[round%6], games: true}
}
func dripping(int) style { return style{room: 65535, drip: 2 * time.Millisecond} }
func fickle(int) style   { return style{room: 65535, flaky: true} }

// outRoom is how much may wait to be written.
const outRoom = 256 << 10

// dialMux returns nil if no connection can be had, which has been counted then.
func (x *rotation) dialMux(st style) *mux {
	tcp := x.connect(nil)
	if tcp == nil {
		return nil
	}
	c := &mux{x: x, conn: tcp, tcp: tcp, style: st, dialed: time.Now(), streams: map[uint32]*stream{}, dropped: map[uint32]bool{},
		next: 1, sends: 65535, takes: 65535, opens: 65535, room: 65535, last: math.MaxInt32}
	if x.secure() {
		if c.conn = x.shake(tcp, "h2"); c.conn == nil {
			return nil
		}
		_ = c.conn.SetDeadline(time.Time{})
	}
	c.changed.L = &c.mu
	c.fr = http2.NewFramer(&c.out, c.conn)
	c.fr.AllowIllegalWrites = true
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.enc = hpack.NewEncoder(&c.block)
	c.mu.Lock()
	c.out.WriteString(http2.ClientPreface)
	c.settle(st.room)
	if st.room > 65535 {
		_ = c.fr.WriteWindowUpdate(0, 1<<20)
		c.takes += 1 << 20
	}
	c.began = time.Now()
	c.mu.Unlock()
	c.gone.Go(c.write)
	c.gone.Go(c.read)
	x.add("connections of HTTP/2", 1)
	return c
}

// settle changes the windows of all streams. The server may use the larger one until
// it has acknowledged that. It is called under the lock.
func (c *mux) settle(room int64) {
	change := window(room - c.room)
	c.room = room
	_ = c.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(room)}, http2.Setting{ID: http2.SettingEnablePush})
	var all []*stream
	for _, s := range c.streams {
		if change > 0 {
			s.takes += change
		} else {
			all = append(all, s)
		}
	}
	c.acks = append(c.acks, func() {
		for _, s := range all {
			s.takes += change
		}
	})
	c.changed.Broadcast()
}

// write sends what was left for it.
func (c *mux) write() {
	var buf []byte
	for {
		c.mu.Lock()
		for c.out.Len() == 0 && c.err == nil && !c.closed {
			c.changed.Wait()
		}
		if c.err != nil || c.closed {
			c.mu.Unlock()
			return
		}
		buf = append(buf[:0], c.out.Bytes()...)
		c.out.Reset()
		c.changed.Broadcast()
		c.mu.Unlock()
		if c.x.secure() { // renegotiates no deadline while it is read
			_ = c.tcp.SetWriteDeadline(time.Now().Add(patience))
		} else {
			_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
		}
		n, err := c.conn.Write(buf)
		c.x.out.Add(int64(n))
		if err != nil { // the reader sees why
			return
		}
	}
}

// leave closes the connection and waits for its goroutines.
func (c *mux) leave(close func(*net.TCPConn)) {
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	close(c.tcp)
	c.gone.Wait()
}

func finish(conn *net.TCPConn) { _ = conn.Close() }

// usable reports whether new streams may be opened.
func (c *mux) usable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil && !c.told
}

// String tells what a report of a lost answer has to tell.
func (c *mux) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	state := "no drain since the connection began"
	if c.dialed.UnixNano() < c.x.drained.Load() {
		state = "drained since"
	}
	return fmt.Sprintf("HTTP/2, next stream %d, GOAWAY %v last %d %v, ended %v, %d answers, preface after %v, style %+v, %s",
		c.next, c.told, c.last, c.code, c.err, c.served, c.began.Sub(c.dialed).Round(time.Microsecond), c.style, state)
}
