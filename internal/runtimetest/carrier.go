package runtimetest

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tako-go/tako"
)

// Carrier is what the connections of a run come over.
type Carrier uint8

// The carriers that a suite can be run over.
const (
	TCP     Carrier = iota // a client's own connection
	Unix                   // a Unix socket with a path
	ProxyV1                // TCP of a balancer, with a PROXY header of version 1
	ProxyV2                // the same with version 2
)

// String returns the name of the carrier, such as "unix".
func (c Carrier) String() string {
	return [...]string{"tcp", "unix", "proxy-v1", "proxy-v2"}[c]
}

func (c Carrier) proxied() bool { return c == ProxyV1 || c == ProxyV2 }

// On returns the target with clients that come over c.
func (t Target) On(c Carrier) Target {
	t.Carrier = c
	return t
}

// carrier is that of the run.
func (x *T) carrier() Carrier { return x.target.Carrier }

// balancer is where the balancer of a run stands.
const balancer = "127.0.0.1"

// proxyConfig is that of servers where PROXY headers are not the subject.
func (x *T) proxyConfig() tako.ProxyConfig {
	if !x.carrier().proxied() {
		return tako.ProxyConfig{}
	}
	return tako.ProxyConfig{Mode: tako.ProxyRequired, Trusted: []string{balancer}}
}

// What balancers of the run tell of their clients, and where those have connected.
var (
	toldClient  = &net.TCPAddr{IP: net.IPv4(198, 51, 100, 1)}
	toldOther   = &net.TCPAddr{IP: net.ParseIP("2001:db8:1::2")}
	toldServer  = &net.TCPAddr{IP: net.IPv4(198, 51, 100, 80), Port: 443}
	toldSixth   = &net.TCPAddr{IP: net.ParseIP("2001:db8:1::80"), Port: 443}
	portedOther = &net.TCPAddr{IP: toldOther.IP, Port: 4711}
)

// peerIP is the address of an ordinary client as servers have to know it, "" where
// it has none.
func (x *T) peerIP() string {
	switch {
	case x.carrier() == Unix:
		return ""
	case x.carrier().proxied():
		return toldClient.IP.String()
	}
	return "127.0.0.1"
}

// peerText is what a handler prints as the client's address.
func (x *T) peerText() string {
	if x.carrier() == Unix {
		return netip.Addr{}.String()
	}
	return x.peerIP()
}

// socket is a listener that can be shared and has deadlines.
type socket interface {
	net.Listener
	syscall.Conn
	SetDeadline(time.Time) error
	File() (*os.File, error)
}

// listen opens a listening socket of the run's carrier.
func (x *T) listen() socket {
	x.Helper()
	if x.carrier() != Unix {
		return x.listenTCP()
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: x.socketPath(), Net: "unix"})
	if err != nil {
		x.Fatal(err)
	}
	ln.SetUnlinkOnClose(false) // the socket may be that of another server by then
	x.Cleanup(func() { _ = ln.Close() })
	return ln
}

func (x *T) listenTCP() *net.TCPListener {
	x.Helper()
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = ln.Close() })
	return ln
}

// socketPath is a path for a Unix socket, which must be short.
func (x *T) socketPath() string {
	x.Helper()
	folder, err := os.MkdirTemp("", "tako")
	if err != nil {
		x.Fatal(err)
	}
	x.Cleanup(func() { _ = os.RemoveAll(folder) })
	return filepath.Join(folder, "s")
}

// reach connects to an address, from another one if from is set, and says nothing.
func reach(from net.IP, to net.Addr) (net.Conn, error) {
	if to, ok := to.(*net.TCPAddr); ok {
		var local *net.TCPAddr
		if from != nil {
			local = &net.TCPAddr{IP: from}
		}
		return net.DialTCP("tcp", local, to)
	}
	return net.Dial(to.Network(), to.String())
}

// connect opens a connection of the run's carrier, with a header in front where the
// carrier has one. A client that comes from another address is another one to the
// balancer too.
func (x *T) connect(from net.IP, to net.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), x.patience)
	defer cancel()
	return x.connectWithin(ctx, from, to)
}

func (x *T) connectWithin(ctx context.Context, from net.IP, to net.Addr) (net.Conn, error) {
	switch {
	case x.target.Protocol == HTTP3:
		return x.dialQUIC(ctx, to)
	case !x.carrier().proxied():
		return reach(from, to)
	}
	conn, err := reach(nil, to)
	if err != nil {
		return nil, err
	}
	told := introduced{halfCloser: conn.(halfCloser), local: portOf(toldClient, conn), remote: toldServer}
	if from != nil {
		told.local, told.remote = portOf(toldOther, conn), toldSixth
	}
	header := proxyLine(told.local, told.remote)
	if x.carrier() == ProxyV2 {
		header = proxyBlock{from: told.local, to: told.remote, checked: true}.bytes()
	}
	if _, err := conn.Write(header); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return told, nil
}

// reaches reports whether somebody takes connections at an address.
func (x *T) reaches(to net.Addr) bool {
	var conn net.Conn
	var err error
	if x.target.Protocol == HTTP3 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*short)
		defer cancel()
		conn, err = x.dialQUIC(ctx, to) // a server that has stopped need not say so
	} else {
		conn, err = reach(nil, to)
	}
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// introduced is a connection with the ends that its header tells.
type introduced struct {
	halfCloser
	local, remote *net.TCPAddr
}

func (c introduced) LocalAddr() net.Addr  { return c.local }
func (c introduced) RemoteAddr() net.Addr { return c.remote }

// portOf gives an address the port that the connection has.
func portOf(a *net.TCPAddr, conn net.Conn) *net.TCPAddr {
	return &net.TCPAddr{IP: a.IP, Port: conn.LocalAddr().(*net.TCPAddr).Port}
}

// offCarrier maps ids to the reason why they are not run over a carrier.
var offCarrier = map[Carrier]map[string]string{
	Unix: {
		"CN-03":                 "clients of a Unix socket have no address",
		"CN-11/port-taken":      "CN-13 has the paths of sockets",
		"CN-11/port-zero":       "a path is no port",
		"EX-14/trusted":         "clients of a Unix socket have no address that could be trusted",
		"EX-15/trusted":         "clients of a Unix socket have no address that could be trusted",
		"SD-10/failed-start":    "CN-13 has the paths of sockets",
		"SD-08/one-fails":       "CN-13 has the paths of sockets",
		"SD-04/accept-back-off": "the listener is the same for all carriers",
	},
	ProxyV1: behindProxy,
	ProxyV2: behindProxy,
}

var behindProxy = map[string]string{
	"CN-01":              "nothing is read before a connection is accepted",
	"CN-11":              "nothing is read before a connection is accepted",
	"SD-10/failed-start": "nothing is served",
	"SD-08/one-fails":    "nothing is served",
}

// rides reports whether the case is run over c.
func (tc testCase) rides(c Carrier) bool {
	if tc.on != nil {
		for _, d := range tc.on {
			if c == d {
				return true
			}
		}
		return false
	}
	if c != TCP && (tc.startOnly() || tc.above()) {
		return false
	}
	for prefix := range offCarrier[c] {
		if within(tc.id, prefix) {
			return false
		}
	}
	return true
}
