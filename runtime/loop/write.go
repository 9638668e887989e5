package loop

import (
	"errors"
	"net"
	"os"
)

// piece is how much of a response is given to the kernel at a time: the write
// timeout is judged by pieces.
const piece = 64 << 10

// setWriteDeadline bounds the next piece.
func setWriteDeadline(nc net.Conn, x *exchange) error {
	until := deadline(x.srv.limits.WriteTimeout)
	if !x.writeBy.IsZero() && (until.IsZero() || x.writeBy.Before(until)) {
		until = x.writeBy
	}
	return nc.SetWriteDeadline(until)
}

// writeAll sends all of bufs piece by piece, which uses bufs up.
func writeAll(nc net.Conn, x *exchange, bufs [][]byte) error {
	var batch net.Buffers
	for len(bufs) > 0 {
		batch = batch[:0]
		for room := piece; len(bufs) > 0 && room > 0; {
			b := bufs[0]
			if len(b) > room {
				bufs[0] = b[room:]
				b = b[:room]
			} else {
				bufs = bufs[1:]
			}
			if len(b) > 0 {
				batch = append(batch, b)
			}
			room -= len(b)
		}
		if err := setWriteDeadline(nc, x); err != nil {
			return err
		}
		again := batch // WriteTo uses it up
		if _, err := again.WriteTo(nc); err != nil {
			return writeError(x, err)
		}
	}
	return nil
}

func writeError(x *exchange, err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		x.srv.stats.timedOut.Add(1)
	}
	if st, ok := x.wire.(*stream); ok && st.sec != nil {
		_ = st.raw.Close() // TLS would wait for the client once more
	}
	return err
}

// write sends what x has gathered and then bufs.
func (st *stream) write(x *exchange, bufs [][]byte) error {
	all := make([][]byte, 0, 1+len(bufs))
	if len(x.out) > 0 {
		all = append(all, x.out)
	}
	all = append(all, bufs...)
	if len(all) == 0 {
		return nil
	}
	err := writeAll(st.nc, x, all)
	x.out = x.out[:0]
	return err
}
