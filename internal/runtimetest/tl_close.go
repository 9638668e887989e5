package runtimetest

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
)

// closeNotifyCases have clients that say behind a request that they send nothing more, in the
// same flight, and go on reading (RFC 8446, section 6.1). Requests whose handler needs time are
// not among them: over HTTP/2 their streams end then.
func closeNotifyCases() (all []testCase) {
	faults := []fault{bodies("lost", "ready", "read"), planted("cut-off")}
	for id, row := range map[string]struct{ requests, size int }{"small": {1, 10}, "large": {1, 100 << 10}, "many": {40, 60 << 10}} {
		all = append(all,
			testCase{id: "TL-10/http-1.1-" + id, timed: true, over: []Protocol{HTTP1TLS}, faults: faults, run: closesNotify(row.requests, row.size, (*T).closesHTTP1)},
			testCase{id: "TL-10/http-2-" + id, timed: true, over: []Protocol{HTTP2}, faults: faults, run: closesNotify(row.requests, row.size, (*T).closesHTTP2)})
	}
	return all
}

// closesNotify demands the answers, and then the close_notify of the server.
func closesNotify(requests, size int, ask func(x *T, conn *flight, requests int) (bodies []string, end error)) func(x *T) {
	return func(x *T) {
		answer := strings.Repeat("ready", size/5)
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Get("/ready", func(c *tako.Context) error { return c.Text(200, answer) }, tako.Inline())
		})
		s.frayed = true
		for range 5 {
			below := &flight{Conn: s.dialRaw(nil), cut: x.planted("cut-off")}
			secure, err := overTLS(x, below, x.clientTLS())
			if err != nil {
				x.Fatal(err)
			}
			below.secure = secure
			bodies, end := ask(x, below, requests)
			for _, body := range bodies {
				if body != answer {
					x.Errorf("got %d bytes of body, want %d", len(body), len(answer))
				}
			}
			if !errors.Is(end, io.EOF) {
				x.Errorf("behind the answer comes %v, want close_notify", end)
			}
			_ = below.Conn.Close()
		}
	}
}

func (x *T) closesHTTP1(conn *flight, requests int) (bodies []string, end error) {
	c := newClient(x, conn.secure)
	conn.depart(func() { c.send(strings.Repeat(request("GET", "/ready", ""), requests)) })
	for range requests {
		r, err := c.tryRead("GET")
		if err != nil {
			x.Fatal(err)
		}
		bodies = append(bodies, r.body)
	}
	_, end = c.br.ReadByte()
	return bodies, end
}

func (x *T) closesHTTP2(conn *flight, requests int) (bodies []string, end error) {
	c := newFrameClient(x, conn.secure, frameOptions{noAck: true, noPong: true, hold: true,
		settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 1 << 20}}})
	var ids []uint32
	conn.depart(func() {
		c.begin()
		c.write(func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(0, 1<<24) })
		for range requests {
			ids = append(ids, c.open(true, c.get("/ready")))
		}
	})
	for _, id := range ids {
		r, err := c.outcome(id)
		if err != nil {
			x.Error(err)
		}
		bodies = append(bodies, r.body)
	}
	c.ends()
	c.mu.Lock()
	defer c.mu.Unlock()
	return bodies, c.err
}

// flight lies below the TLS of a client, and sends what belongs together at once.
type flight struct {
	net.Conn
	secure *tls.Conn
	cut    bool // the end comes before it should

	mu    sync.Mutex
	holds bool
	held  []byte
}

// depart sends what f writes, and close_notify, at once.
func (c *flight) depart(f func()) {
	c.hold(true)
	f()
	_ = c.secure.CloseWrite()
	c.hold(false)
}

func (c *flight) hold(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds = on
	if !on {
		_ = c.Conn.SetWriteDeadline(time.Time{}) // close_notify has ended it
		_, _ = c.Conn.Write(c.held)
	}
}

func (c *flight) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holds {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *flight) Read(p []byte) (int, error) {
	if c.cut && c.secure != nil {
		return 0, io.EOF
	}
	return c.Conn.Read(p)
}
