package loop

import (
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/netpoll"
)

// conn is a connection of a loop. Its leader owns everything in it while st is
// connIdle. While a handler runs, its goroutine owns the descriptor for writing,
// fields of the hand-back and the deadline; the leader still receives.
type conn struct {
	peer
	timer
	l   *loop
	key netpoll.Key
	st  atomic.Uint32
	// from is the address of the client, invalid without IP. The socket forgets it when the
	// client resets the connection.
	from netip.AddrPort

	// The leader's.
	in       []byte // received and not served: a part of a request, or what came meanwhile
	scanned  int    // bytes of in that were parsed in vain
	sending  []byte // being sent by the poller
	phase    phase
	after    after // what happens when what is being sent was sent
	eof      bool  // nothing more will be received
	failed   bool  // the connection is broken, not just half closed
	paused   bool  // the poller was told not to receive
	fresh    bool  // no request was received yet
	intro    bool  // a PROXY header is to come first
	unpolled bool  // the poller does not know it yet
	lent     bool  // what is being sent is memory of a post
	cut      bool  // it is a part of larger memory
	http2    bool  // it was agreed by TLS
	back     after // of the hand-back, written by whom hands back
	drops    int32 // bytes dropped while lingering
	leaving  *leave
	mux      *multiplex // of HTTP/2, nil otherwise
	sock     *Socket    // of a TCPServer or upgraded, nil otherwise
	sec      *secure    // TLS, nil without

	// Of the hand-back, as back.
	up   *Socket // what c is from then on, nil otherwise
	rest []byte  // input that the goroutine had and did not serve
}

// Who owns a connection.
const (
	connIdle   uint32 = iota // the leader
	connBusy                 // the goroutine of a handler
	connParked               // so it is, and the leader waits for it
)

// phase is what a deadline of a connection is about.
type phase uint8

const (
	phaseIdle   phase = iota // the next request
	phaseHead                // the rest of a head
	phaseWrite               // the client to take what is sent
	phaseLinger              // the client to close
	phaseHTTP2               // whatever is due next
	phaseSocket              // a byte of a socket, either way
)

// after is what happens to a connection next.
type after uint8

const (
	goOn       after = iota
	endIt            // close it
	endLinger        // close it once the client has, or a moment later
	endReset         // break it off, so that the client sees an error
	leaveLoop        // go on as a stream
	switchOver       // go on as a socket
)

// leave is a connection's way off its loop.
type leave struct {
	to func(c *conn, received []byte) // gets the descriptor and what was received
}

func (c *conn) fd() int { return c.key.FD() }

// addrs asks the socket. It is called by who has the connection.
func (c *conn) addrs() (local, remote net.Addr) { return ends(c.fd(), c.from) }

func (c *conn) cred() *tako.PeerCred { return credOf(c.fd()) }
