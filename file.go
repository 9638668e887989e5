package tako

import (
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/tako-go/tako/internal/ascii"
)

// File answers with the file of this name on disk, as [Context.ServeContent] does:
// whole or in ranges, with its type by extension, to which browsers are told to keep,
// and Last-Modified. A name that is no regular file is 404. The name is the program's word: build it from user text
// only through [os.Root] or an allow list, or use package static.
func (c *Context) File(name string) error {
	c.live()
	// Opening a named pipe would wait for somebody to write to it.
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return fileError(errors.Join(err, errNotRegular(info)))
	}
	f, err := os.OpenFile(name, os.O_RDONLY|noWait, 0)
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

// FileFS is File for a file system, such as an embedded one. Files that can neither
// seek nor be read at offsets have no ranges.
func (c *Context) FileFS(fsys fs.FS, name string) error {
	c.live()
	if files, ok := fsys.(fs.StatFS); ok { // without Stat one is opened to look at it
		if info, err := files.Stat(name); err != nil || !info.Mode().IsRegular() {
			return fileError(errors.Join(err, errNotRegular(info)))
		}
	}
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
	c.header.Set("Content-Disposition", ContentDisposition(as))
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
	if !c.header.Has("Content-Type") {
		c.header.Set("Content-Type", typeByName(info.Name()))
	}
	c.header.Set("X-Content-Type-Options", "nosniff")
	v := Validators{ETag: c.header.Get("Etag"), LastModified: info.ModTime()}
	return c.serve(v, info.Size(), f)
}

// typeByName returns the media type for the extension of a file name.
func typeByName(name string) string {
	if kind := mime.TypeByExtension(filepath.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

// ContentDisposition returns the value of the field that has a client save the
// response under this name: its last element, in forms for old and new clients (RFC
// 6266 and 8187). Nothing in name can end the value.
func ContentDisposition(name string) string {
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
