package loop

import (
	"io"
	"net"
	"os"

	"github.com/tako-go/tako/internal/rawfile"
)

// filePart is n bytes of a file from at on, which is the position of an [os.File].
type filePart struct {
	f     openFile
	at, n int64
}

// openFile is an [os.File] or a [rawfile.File].
type openFile interface {
	io.ReaderAt
	Fd() uintptr
}

// reader reads what is in p. The position of an [os.File] moves with it.
func (p filePart) reader() io.Reader {
	if f, ok := p.f.(*os.File); ok {
		return f
	}
	return io.NewSectionReader(p.f, p.at, p.n)
}

// from is what is left of p when n bytes were sent.
func (p filePart) from(n int64) filePart { return filePart{p.f, p.at + n, p.n - n} }

// partOf returns the part of a regular file that r reads.
func partOf(r io.Reader) (p filePart, ok bool) {
	limit := int64(1) << 62
	if l, ok := r.(*io.LimitedReader); ok {
		r, limit = l.R, l.N
	}
	f, ok := r.(*os.File)
	if !ok {
		return p, false
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return p, false
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return p, false
	}
	return filePart{f, at, max(min(limit, info.Size()-at), 0)}, true
}

// SendFile is ReadFrom for a file that need not be asked for anything.
func (x *exchange) SendFile(f *rawfile.File, at, n int64) (int64, error) {
	part := filePart{f, at, n}
	if n < directWrite || x.noBody || x.err != nil {
		return x.ReadFrom(part.reader())
	}
	return x.file(part)
}

// copyPieces sends part piece by piece, in the kernel where it can.
func copyPieces(nc net.Conn, x *exchange, part filePart) (int64, error) {
	to, ok := nc.(io.ReaderFrom)
	if !ok {
		to = writerOnly{nc}
	}
	from := part.reader()
	var total int64
	for total < part.n {
		if err := setWriteDeadline(nc, x); err != nil {
			return total, err
		}
		next := &io.LimitedReader{R: from, N: min(piece, part.n-total)}
		sent, err := to.ReadFrom(next)
		total += sent
		if err != nil {
			return total, writeError(x, err)
		}
		if next.N > 0 {
			break
		}
	}
	return total, nil
}

// writerOnly copies through memory.
type writerOnly struct{ net.Conn }

func (w writerOnly) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w.Conn}, struct{ io.Reader }{r})
}

func (st *stream) sendFile(x *exchange, part filePart) (int64, error) {
	if err := st.write(x, nil); err != nil {
		return 0, err
	}
	return copyFile(st.nc, x, part)
}
