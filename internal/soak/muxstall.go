package soak

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/net/http2"
)

// stalledStreams stops in the middle and waits for the server to lose its patience.
func (x *rotation) stalledStreams(round int) {
	const phases = 11
	phase := round % phases
	if phase < 2 && x.secure() {
		x.stalledHandshake(phase)
		return
	}
	conn, tcp := x.rawMux()
	if conn == nil {
		return
	}
	defer reset(tcp)
	c := x.hail("/take/{n}/100000")
	text := c.out.Bytes()
	begin := len(http2.ClientPreface) + 9
	switch phase {
	case 0:
		text = nil
	case 1:
		text = text[:10]
	case 2: // no SETTINGS
		text = text[:len(http2.ClientPreface)]
	case 3: // nothing asked, and no acknowledgement
		text = text[:begin]
	case 4: // half a head
		text = text[:begin+20]
	case 5: // a head without its end
		text = append(text[:begin], "\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82"...)
	case 6: // half a body, and no acknowledgement
		_ = c.fr.WriteData(1, false, make([]byte, 5000))
		text = c.out.Bytes()
	case 7: // the same, and an acknowledgement
		_ = c.fr.WriteSettingsAck()
		_ = c.fr.WriteData(1, false, make([]byte, 5000))
		text = c.out.Bytes()
	case 8: // half a frame of DATA
		_ = c.fr.WriteSettingsAck()
		_ = c.fr.WriteData(1, false, make([]byte, 5000))
		text = c.out.Bytes()[:c.out.Len()-3000]
	case 9: // a window that stays closed
		_ = c.fr.WriteSettingsAck()
		c.head(3, true, "GET", "/load/{n}/200000")
		text = c.out.Bytes()
	case 10:
		x.deaf(conn)
		return
	}
	_, _ = conn.Write(text)
	x.add("stalled streams", 1)
	x.untilClosed(conn, fmt.Sprintf("a client of HTTP/2 that stalls in phase %d", phase))
}

// untilClosed wants the end of the connection.
func (x *rotation) untilClosed(conn net.Conn, who string) {
	done := make(chan error, 1)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	go func() {
		_, err := io.Copy(io.Discard, conn)
		done <- err
	}()
	select {
	case err := <-done:
		if errors.Is(err, os.ErrDeadlineExceeded) {
			x.fail("not closed", "%s", who)
		}
	case <-x.winding:
		_ = conn.SetReadDeadline(time.Now())
		<-done
	}
}

// stalledHandshake stops before the end of a handshake.
func (x *rotation) stalledHandshake(phase int) {
	tcp := x.connect(nil)
	if tcp == nil {
		return
	}
	defer reset(tcp)
	if phase == 1 {
		_, _ = io.WriteString(tcp, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	}
	x.add("stalled handshakes", 1)
	x.untilClosed(tcp, fmt.Sprintf("a handshake that stalls in phase %d", phase))
}

// deaf asks for more than the sockets hold, allows all of it, and does not take it.
func (x *rotation) deaf(conn net.Conn) {
	const size = 24 << 20
	c := x.hail("/take/{n}/1000")
	_ = c.fr.WriteSettingsAck()
	_ = c.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	_ = c.fr.WriteWindowUpdate(0, 1<<30)
	c.head(3, true, "GET", fmt.Sprintf("/load/{n}/%d", size))
	_, _ = conn.Write(c.out.Bytes())
	select {
	case <-x.winding:
		return
	case <-time.After(3 * limits().WriteTimeout):
	}
	x.add("stalled streams", 1)
	_ = conn.SetDeadline(time.Now().Add(patience))
	n, err := io.Copy(io.Discard, conn)
	if n >= size || errors.Is(err, os.ErrDeadlineExceeded) {
		x.fail("not closed", "a client of HTTP/2 that did not read for a long time got %d bytes, then %v", n, err)
	}
}
