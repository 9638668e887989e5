package tako

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tako-go/tako/internal/ascii"
)

// File answers with the file of this name on disk: 200 with its length, type by
// extension and Last-Modified, or 304 if the client has it. A name that is no
// regular file is 404. The name is the program's word: build it from user text
// only through [os.Root] or an allow list.
func (c *Context) File(name string) error {
	c.live()
	// Opening a named pipe would wait for somebody to write to it.
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return fileError(errors.Join(err, errNotRegular(info)))
	}
	f, err := os.Open(name)
	if err != nil {
		return fileError(err)
	}
	defer f.Close()
	return c.serveFile(f)
}

func errNotRegular(info fs.FileInfo) error {
	if info == nil || info.Mode().IsRegular() {
		return nil
	}
	return fmt.Errorf("%w: no regular file", fs.ErrNotExist)
}

// FileFS is File for a file system, such as an embedded one.
func (c *Context) FileFS(fsys fs.FS, name string) error {
	c.live()
	f, err := fsys.Open(name)
	if err != nil {
		return fileError(err)
	}
	defer f.Close()
	return c.serveFile(f)
}

// Attachment is File for a download that the client shall save under the name as
// (RFC 6266); only its last element is used.
func (c *Context) Attachment(name, as string) error {
	c.live()
	c.header.Set("Content-Disposition", contentDisposition(as))
	return c.File(name)
}

func fileError(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid), errors.Is(err, syscall.ENOTDIR),
		errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENAMETOOLONG):
		return &Error{Status: http.StatusNotFound, Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Status: http.StatusForbidden, Err: err}
	}
	return err
}

func (c *Context) serveFile(f fs.File) error {
	info, err := f.Stat()
	if err != nil {
		return fileError(err)
	}
	if err := errNotRegular(info); err != nil {
		return fileError(err)
	}
	if t := info.ModTime(); !t.IsZero() {
		c.header.Set("Last-Modified", t.UTC().Format(http.TimeFormat))
		if c.notModifiedSince(t) {
			return c.open(http.StatusNotModified, -1)
		}
	}
	if !c.header.Has("Content-Type") {
		kind := mime.TypeByExtension(filepath.Ext(info.Name()))
		if kind == "" {
			kind = "application/octet-stream"
		}
		c.header.Set("Content-Type", kind)
	}
	if err := c.open(http.StatusOK, info.Size()); err != nil || c.discard {
		return err
	}
	_, err = c.ReadFrom(&io.LimitedReader{R: f, N: info.Size()})
	return err
}

// notModifiedSince follows RFC 9110, section 13.1.3: the field counts for GET and
// HEAD only, and not beside If-None-Match.
func (c *Context) notModifiedSince(t time.Time) bool {
	if c.method != http.MethodGet && c.method != http.MethodHead || c.ex.RequestHeader("If-None-Match") != "" {
		return false
	}
	since, err := http.ParseTime(c.ex.RequestHeader("If-Modified-Since"))
	return err == nil && !t.Truncate(time.Second).After(since)
}

// contentDisposition names a download for old and new clients (RFC 6266, 8187).
func contentDisposition(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	plain := make([]byte, 0, len(name))
	same := true
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '%' {
			c, same = '_', false
		}
		plain = append(plain, c)
	}
	value := "attachment; filename=" + strconv.Quote(string(plain))
	if same {
		return value
	}
	out := []byte(value + "; filename*=UTF-8''")
	for i := range len(name) {
		if ascii.IsUnreserved(name[i]) {
			out = append(out, name[i])
		} else {
			out = appendEscape(out, name[i])
		}
	}
	return string(out)
}
