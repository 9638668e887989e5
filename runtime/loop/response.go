package loop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/ascii"
	"github.com/tako-go/tako/internal/http1"
)

const (
	maxGathered = 64 << 10 // more is sent while the handler runs
	directWrite = 16 << 10 // a piece of this size is not copied
	maxChunk    = 32 << 10 // of pieces that are gathered
	smallRest   = 64 << 10 // of a body that nobody read, and is read for the next request
)

// responseState is how far the response has come.
type responseState struct {
	headSent  bool
	chunked   bool
	chunkOpen bool
	noBody    bool
	closing   bool // the connection ends behind this response
	broken    bool // it must not look complete
	hijacked  bool
	up        *Socket // what the connection is behind this response, nil otherwise
	duplex    bool
	tillClose bool // the end of the connection is the end of the body
	chunkAt   int  // where in out the open chunk begins
	err       error
	trailers  []byte
	writeBy   time.Time
	copied    int64         // of files, without waiting
	copying   time.Duration // the time that took
}

// chunkSize is a chunk size that is filled in when the chunk is whole.
const chunkSize = "0000\r\n"

func (x *exchange) WriteHead(status int, h *tako.Header, length int64) error {
	if x.err != nil {
		return x.err
	}
	if x.hijacked || x.up != nil {
		return http.ErrHijacked
	}
	if x.retained {
		x.body.head.Lock()
		defer x.body.head.Unlock()
	}
	x.headSent = true
	x.noBody = status == http.StatusNoContent || status == http.StatusNotModified || x.isHead()
	x.closing = x.mustClose()
	b := http1.AppendStatus(x.out, status)
	dated := false
	for i := range h.Len() {
		name, value := h.Field(i)
		switch name {
		case "Date":
			dated = true
		case "Connection":
			if value, x.closing = connection(value, x.closing); value == "" {
				continue
			}
		case "Transfer-Encoding", "Keep-Alive", "Content-Length":
			continue
		}
		b = http1.AppendField(b, name, value)
	}
	if !dated {
		b = append(b, x.dateLine()...)
	}
	switch {
	case length >= 0:
		b = http1.AppendLength(b, length)
	case x.noBody:
	case x.req.Minor == 0:
		x.tillClose, x.closing = true, true
	default:
		x.chunked = true
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	}
	if x.closing {
		b = append(b, "Connection: close\r\n"...)
	} else if x.req.Minor == 0 {
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	x.out = append(b, '\r', '\n')
	return nil
}

func (x *exchange) isHead() bool { return string(x.req.Method.Of(x.head)) == http.MethodHead }

// mustClose reports whether the connection cannot serve another request.
func (x *exchange) mustClose() bool {
	if x.req.Close || x.closing || x.srv.isStopping() {
		return true
	}
	if x.retained { // a late handler may be reading
		if !x.body.lock.TryLock() {
			return true
		}
		defer x.body.lock.Unlock()
	}
	if !x.unread() {
		return false
	}
	if x.req.Continue && !x.body.continued || x.body.lost {
		return true
	}
	return !x.duplex && (x.req.Length < 0 || x.body.left > smallRest)
}

// connection takes close and keep-alive, which the runtime sets, off a list.
func connection(value string, closing bool) (string, bool) {
	kept := ""
	for item := range strings.SplitSeq(value, ",") {
		switch item = ascii.Trim(item); {
		case ascii.EqualFold(item, "close"):
			closing = true
		case ascii.EqualFold(item, "keep-alive"), item == "":
		case kept == "":
			kept = item
		default:
			kept += ", " + item
		}
	}
	return kept, closing
}

func (x *exchange) dateLine() []byte {
	if x.w != nil {
		if line := x.w.dateLine(); line != nil {
			return line
		}
	}
	return x.date.line(time.Now())
}

func (x *exchange) Write(p []byte) (int, error) {
	switch {
	case x.err != nil:
		return 0, x.err
	case x.noBody || len(p) == 0:
		return len(p), nil
	case len(p) >= directWrite:
		x.iov = append(x.iov[:0], p)
		return len(p), x.direct(len(p))
	}
	if x.chunked {
		x.openChunk(len(p))
	}
	x.out = append(x.out, p...)
	if len(x.out) > maxGathered {
		return len(p), x.push()
	}
	return len(p), nil
}

// openChunk makes room for n more bytes in a chunk.
func (x *exchange) openChunk(n int) {
	if x.chunkOpen && len(x.out)-x.chunkAt+n > maxChunk {
		x.closeChunk()
	}
	if !x.chunkOpen {
		x.chunkOpen, x.chunkAt = true, len(x.out)
		x.out = append(x.out, chunkSize...)
	}
}

func (x *exchange) closeChunk() {
	if !x.chunkOpen {
		return
	}
	x.chunkOpen = false
	n := len(x.out) - x.chunkAt - len(chunkSize)
	for i := 3; i >= 0; i-- {
		x.out[x.chunkAt+i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
	x.out = append(x.out, http1.ChunkEnd...)
}

// direct sends the pieces in iov without gathering them.
func (x *exchange) direct(n int) error {
	if x.chunked {
		x.closeChunk()
		x.out = http1.AppendChunk(x.out, int64(n))
	}
	err := x.fail(x.wire.write(x, x.iov))
	clear(x.iov)
	if x.chunked && err == nil {
		x.out = append(x.out, http1.ChunkEnd...)
	}
	return err
}

// push sends what was gathered.
func (x *exchange) push() error {
	x.closeChunk()
	return x.fail(x.wire.write(x, nil))
}

// fail remembers an error: nothing can be sent behind a piece that is missing.
func (x *exchange) fail(err error) error {
	if err != nil {
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			err = fmt.Errorf("%w: %w", tako.ErrClientGone, err)
		}
		x.err, x.broken, x.closing = err, true, true
		x.out = x.out[:0]
	}
	return err
}

func (x *exchange) WriteBuffers(bufs net.Buffers) (int64, error) {
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	if total < directWrite {
		for _, b := range bufs {
			if _, err := x.Write(b); err != nil {
				return 0, err
			}
		}
		return int64(total), nil
	}
	if x.err != nil || x.noBody {
		return int64(total), x.err
	}
	x.iov = append(x.iov[:0], bufs...)
	return int64(total), x.direct(total)
}

func (x *exchange) Flush() error {
	if x.err != nil {
		return x.err
	}
	return x.push()
}

func (x *exchange) WriteTrailers(h *tako.Header) error {
	if err := h.Err(); err != nil {
		return err
	}
	for i := range h.Len() {
		name, value := h.Field(i)
		x.trailers = http1.AppendField(x.trailers, name, value)
	}
	return nil
}

func (x *exchange) EarlyHints(h *tako.Header) error {
	if x.err != nil || x.req.Minor == 0 || x.up != nil {
		return x.err
	}
	b := http1.AppendStatus(x.out, http.StatusEarlyHints)
	for i := range h.Len() {
		name, value := h.Field(i)
		b = http1.AppendField(b, name, value)
	}
	x.out = append(b, '\r', '\n')
	return x.push()
}

func (x *exchange) Abort() { x.broken = true }

// copyBuffers are for readers that are not files.
var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	if part, ok := partOf(r); ok && part.n >= directWrite && !x.noBody && x.err == nil {
		sent, err := x.file(part)
		if limited, ok := r.(*io.LimitedReader); ok {
			limited.N -= sent
		}
		return sent, err
	}
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	var total int64
	for {
		n, err := r.Read(*buf)
		if n > 0 {
			if _, werr := x.Write((*buf)[:n]); werr != nil {
				return total, werr
			}
			total += int64(n)
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// file sends part of a file.
func (x *exchange) file(part filePart) (int64, error) {
	if x.chunked {
		x.closeChunk()
		x.out = http1.AppendChunk(x.out, part.n)
	}
	sent, err := x.wire.sendFile(x, part)
	if err == nil && sent < part.n {
		x.broken, x.closing = true, true // the file became shorter
		if x.chunked {
			err = io.ErrUnexpectedEOF
		}
	}
	if x.fail(err) == nil && x.chunked {
		x.out = append(x.out, http1.ChunkEnd...)
	}
	return sent, err
}

// end ends the response in what was gathered. aborted says that it must not look
// complete.
func (x *exchange) end(aborted bool) {
	if x.hijacked {
		return
	}
	if x.up != nil {
		if aborted || x.broken {
			x.up.breakOff(errRefused)
		}
		return
	}
	x.closeChunk()
	if aborted || x.broken || !x.headSent {
		x.broken, x.closing = true, true
		return
	}
	if x.chunked {
		x.out = append(x.out, http1.LastChunk...)
		x.out = append(x.out, x.trailers...)
		x.out = append(x.out, http1.ChunkEnd...)
	}
	if !x.writeBy.IsZero() {
		_ = x.push() // while the deadline of the handler is known
	}
}
