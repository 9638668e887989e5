package tcp

import (
	"io"
	"math"
	"net"
	"os"
	"syscall"
)

// ReadFrom writes what it reads from r until its end. Files and TCP connections are copied by the
// kernel where it can.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: r, N: math.MaxInt64}
	}
	if to, ok := endOf(c); ok && isFile(limited.R) {
		return c.sendFile(to.tcp, limited)
	} else if from, plain := endOf(limited.R); ok && plain && seesSplices {
		return splice(to, from, limited)
	}
	return io.Copy(writerOnly{c}, readerOnly{r})
}

// WriteTo reads to the end and writes all to w. To TCP connections the kernel copies where it can.
func (c *Conn) WriteTo(w io.Writer) (int64, error) {
	from, ok := endOf(c)
	to, plain := endOf(w)
	if ok && plain && to.tcp != nil && seesSplices {
		return splice(to, from, &io.LimitedReader{R: c, N: math.MaxInt64})
	}
	return io.Copy(w, readerOnly{c})
}

type (
	readerOnly struct{ io.Reader }
	writerOnly struct{ io.Writer }
)

// sendFile copies a file in pieces, as Write does.
func (c *Conn) sendFile(to *net.TCPConn, from *io.LimitedReader) (total int64, err error) {
	for from.N > 0 {
		one := &io.LimitedReader{R: from.R, N: min(piece, from.N)}
		c.writing.Store(c.s.now.Load())
		n, err := to.ReadFrom(one)
		c.writing.Store(0)
		c.gave(n)
		total += n
		from.N -= n
		if err != nil {
			return total, c.writeError(err)
		}
		if one.N > 0 {
			break
		}
	}
	return total, nil
}

// isFile reports whether r is a file that does not make its reader wait.
func isFile(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// end is a TCP connection that the kernel copies from or to.
type end struct {
	tcp *net.TCPConn // nil where only r is known
	r   io.Reader
	own *Conn // nil if it is not one of ours
}

// hidden is what the WriteTo of a [net.TCPConn] gives as the source. If something else looks like
// it the copy is not the kernel's, and right all the same.
type hidden interface {
	io.Reader
	syscall.Conn
	SetKeepAliveConfig(net.KeepAliveConfig) error
}

func endOf(v any) (end, bool) {
	switch v := v.(type) {
	case *Conn:
		tcp, ok := v.stream.(*net.TCPConn)
		return end{tcp, tcp, v}, ok
	case *net.TCPConn:
		return end{tcp: v, r: v}, true
	case hidden:
		return end{r: v}, true
	}
	return end{}, false
}

// spliceMost is how much is copied before it is counted.
const spliceMost = 1 << 20

// splice copies from one connection to another.
func splice(to, from end, limited *io.LimitedReader) (total int64, err error) {
	if total, err = from.leaveEarly(to, limited); err != nil {
		return total, err
	}
	for limited.N > 0 {
		one := &io.LimitedReader{R: from.r, N: min(spliceMost, limited.N)}
		from.begin(true)
		to.begin(false)
		n, err := to.tcp.ReadFrom(one)
		from.over(true, n)
		to.over(false, n)
		total += n
		limited.N -= n
		if err != nil {
			if err = spliceError(to, from, err); err != nil {
				return total, err
			}
		} else if one.N > 0 {
			from.ended()
			break
		}
	}
	return total, nil
}

// leaveEarly writes what was read ahead.
func (e end) leaveEarly(to end, limited *io.LimitedReader) (int64, error) {
	if e.own == nil || len(e.own.early) == 0 {
		return 0, nil
	}
	w := io.Writer(to.tcp)
	if to.own != nil {
		w = to.own
	}
	n, err := io.Copy(w, &io.LimitedReader{R: readerOnly{e.own}, N: min(limited.N, int64(len(e.own.early)))})
	limited.N -= n
	return n, err
}

// begin tells the sweeper that the kernel copies.
func (e end) begin(reads bool) {
	if e.own == nil {
		return
	}
	e.own.splicing.Add(1)
	if reads {
		e.own.reading.Store(e.own.s.now.Load())
	} else {
		e.own.writing.Store(e.own.s.now.Load())
	}
}

func (e end) over(reads bool, n int64) {
	if e.own == nil {
		return
	}
	e.own.splicing.Add(-1)
	if reads {
		e.own.reading.Store(0)
	} else {
		e.own.writing.Store(0)
	}
	switch {
	case n == 0:
	case reads:
		e.own.took(int(n))
	default:
		e.own.gave(n)
	}
}

func (e end) ended() {
	if e.own != nil {
		e.own.eof.Store(true)
	}
}

// spliceError returns what is to be seen of err, nil to go on. It does not tell which end it is of.
func spliceError(to, from end, err error) error {
	if isGone(err) {
		for _, e := range []end{to, from} {
			if e.own != nil && hungUp(e.own.raw, false) {
				e.own.clientGone()
			}
		}
		return err
	}
	if to.own != nil {
		if err := to.own.writeError(err); err == errSlow {
			return err
		}
	}
	if from.own != nil {
		return from.own.readError(err)
	}
	return err
}
