package tako

import (
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strings"
)

// File is the result of an operation that sends a file: 200 with its length and
// type, and for GET and HEAD also 206, 304, 412 or 416 as [Context.ServeContent] has
// it. Browsers are told to keep to the type.
type File struct {
	// Name is the file's name; only its last element is used.
	// Default: that of Body, if it is an [fs.File].
	Name string
	// ContentType is the media type.
	// Default: by the extension of Name, else application/octet-stream.
	ContentType string
	// Download asks the client to save the file under Name and not to show it
	// (RFC 6266).
	Download bool
	// Validators are what conditions are held against.
	// Default for LastModified: that of Body, if it is an [fs.File].
	Validators Validators
	// Body yields the file. The length is known for an [io.Seeker], which is sent
	// from its beginning, and for an [fs.File]. With a known length it is sent in
	// ranges too, if it is an [io.ReaderAt] or an [io.Seeker]. It is closed if it can
	// be.
	Body io.Reader
	// NotModified is set by [Route.Do]: the server answered 304, without a Body.
	NotModified bool
}

var (
	_ OutputDescriber = File{}
	_ ResponseDecoder = (*File)(nil)
)

// Respond sends the file. One that is no regular file is 404.
func (f File) Respond(c *Context) error {
	if f.Body == nil {
		return &Error{Status: http.StatusInternalServerError, Err: errNoBody}
	}
	defer closeReader(f.Body)
	size, err := f.examine()
	if err != nil {
		return fileError(err)
	}
	if f.ContentType == "" {
		f.ContentType = typeByName(f.Name)
	}
	c.header.Set("Content-Type", f.ContentType)
	c.header.Set("X-Content-Type-Options", "nosniff")
	if f.Download {
		c.header.Set("Content-Disposition", ContentDisposition(f.Name))
	}
	return c.serve(f.Validators, size, f.Body)
}

// examine fills in what Body tells, and returns its length, -1 if unknown.
func (f *File) examine() (int64, error) {
	size := int64(-1)
	if file, ok := f.Body.(fs.File); ok {
		info, err := file.Stat()
		if err != nil {
			return 0, err
		}
		if err := errNotRegular(info); err != nil {
			return 0, err
		}
		size = info.Size()
		if f.Name == "" {
			f.Name = info.Name()
		}
		if f.Validators.LastModified.IsZero() {
			f.Validators.LastModified = info.ModTime()
		}
	} else if seeker, ok := f.Body.(io.Seeker); ok {
		end, err := seeker.Seek(0, io.SeekEnd)
		if err != nil {
			return 0, err
		}
		if _, err := seeker.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
		size = end
	}
	return size, nil
}

// DescribeOutput records 200 with bytes of any kind, and for GET 206, 304, 412 and
// 416; the options of the route may tell the type, by [ReturnsMedia].
func (File) DescribeOutput(op *Operation) {
	op.AddResponse(Response{Status: http.StatusOK, Media: []string{"application/octet-stream"},
		Header: validatorFields[:2]})
	if op.Method == http.MethodGet || op.Method == http.MethodHead {
		op.AddResponse(Response{Status: http.StatusPartialContent, Doc: "the range that Range asks for, or several as multipart/byteranges",
			Media: []string{"application/octet-stream", "multipart/byteranges"}, Header: validatorFields[:2]})
		describeConditional(op)
		op.AddFailure(http.StatusRequestedRangeNotSatisfiable, "none of the ranges is within the file")
	}
}

// DecodeResponse reads the fields and hands over the body, which the caller reads
// and closes.
func (f *File) DecodeResponse(resp *http.Response, _ func(any) error) error {
	f.Validators.ETag = resp.Header.Get("Etag")
	f.Validators.LastModified, _ = http.ParseTime(resp.Header.Get("Last-Modified"))
	if resp.StatusCode == http.StatusNotModified {
		f.NotModified = true
		return nil
	}
	f.ContentType = resp.Header.Get("Content-Type")
	if kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		name := params["filename"]
		f.Name = name[strings.LastIndexAny(name, `/\`)+1:] // a server must not choose the folder
		f.Download = kind == "attachment"
	}
	f.Body, resp.Body = resp.Body, http.NoBody
	return nil
}

func (f *File) takesStatus(status int) bool { return status == http.StatusNotModified }

// Close closes Body if it can be closed, as that of a response that [Route.Do]
// has returned.
func (f *File) Close() error { return closeReader(f.Body) }

// HTML is the result of an operation that shows a page: Template executed with
// Data, or Text as it is. Nothing is sent if the template fails.
type HTML struct {
	// Status is that of the response.
	// Default: 200.
	Status int
	// Template writes the page: *html/template.Template is one, and escapes what is
	// in Data.
	Template Template
	// Data is what Template is executed with.
	Data any
	// Text is the finished page, where Template is nil; [Route.Do] fills it. Nothing
	// in it is escaped.
	Text string
}

var (
	_ OutputDescriber = HTML{}
	_ ResponseDecoder = (*HTML)(nil)
)

// htmlType is the media type of pages.
const htmlType = "text/html; charset=utf-8"

// Respond sends the page.
func (h HTML) Respond(c *Context) error {
	status := h.Status
	if status == 0 {
		status = http.StatusOK
	}
	if h.Template == nil {
		return c.respond(status, htmlType, view(h.Text))
	}
	return c.HTML(status, h.Template, h.Data)
}

// DescribeOutput records 200 with a page.
func (HTML) DescribeOutput(op *Operation) {
	op.AddResponse(Response{Status: http.StatusOK, Media: []string{"text/html"}})
}

// DecodeResponse reads status and page.
func (h *HTML) DecodeResponse(resp *http.Response, _ func(any) error) error {
	text, err := io.ReadAll(resp.Body)
	h.Status, h.Text = resp.StatusCode, string(text)
	return err
}
