package tako

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tako-go/tako/internal/ascii"
)

// netHTTP is the Exchange over net/http: for HTTP/1.1 of the std runtime, and for
// a Router that somebody else's server calls.
type netHTTP struct {
	w http.ResponseWriter
	r *http.Request

	length int64 // declared, -1 if unknown
	broken bool
	duplex bool
	whole  bool // the next write is the whole body
	asked  bool
	scrubs bool // forwarding fields do not belong into the trailers
	conn   *Conn
	info   *ConnInfo
	body   io.Reader
}

var _ Exchange = (*netHTTP)(nil)

// autoLength bounds the whole bodies whose length a server of net/http finds out
// by itself, because they fit its buffer. That is cheaper than a field.
const autoLength = 2048

// serverWriter is what the writers of net/http's server implement and few others do.
type serverWriter interface {
	EnableFullDuplex() error
	io.ReaderFrom
	io.StringWriter
}

// ServeHTTP answers one request of a net/http server. See [Router.Build] for what
// happens if the router has mistakes.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	t := r.table.Load()
	if t == nil {
		if t = r.firstBuild(); t == nil {
			http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
			return
		}
	}
	t.serveHTTP(w, req)
}

func (t *table) serveHTTP(w http.ResponseWriter, req *http.Request) {
	c := acquire(nil)
	c.std.w, c.std.r, c.std.length = w, req, -1
	c.ex = &c.std
	if h := w.Header(); len(h) > 0 {
		c.std.adopt(&c.header, h)
	}
	aborted := t.serve(c) || c.std.broken
	c.recycle()
	if aborted {
		panic(http.ErrAbortHandler)
	}
}

// adopt takes over the fields that handlers around this one have set.
func (x *netHTTP) adopt(to *Header, from http.Header) {
	for name, values := range from {
		for _, v := range values {
			to.Add(name, cleanValue(v))
		}
	}
}

func (x *netHTTP) Method() string {
	if x.ConnectProtocol() != "" {
		return http.MethodGet
	}
	return x.r.Method
}

func (x *netHTTP) Target() string {
	if x.r.RequestURI != "" {
		return x.r.RequestURI
	}
	return x.r.URL.RequestURI()
}

// pathQuery returns the escaped path and the query as handlers around this one,
// such as http.StripPrefix, left them.
func (x *netHTTP) pathQuery() (path, query string) {
	path = x.r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	return path, x.r.URL.RawQuery
}

func (x *netHTTP) Authority() string { return x.r.Host }

func (x *netHTTP) Protocol() Protocol {
	switch {
	case x.r.ProtoMajor == 3:
		return HTTP3
	case x.r.ProtoMajor == 2:
		return HTTP2
	case x.r.ProtoMajor == 1 && x.r.ProtoMinor == 0:
		return HTTP10
	}
	return HTTP11
}

func (x *netHTTP) RequestHeader(name string) string {
	for _, value := range x.r.Header[name] {
		if value != "" {
			return value
		}
	}
	if name == "Host" {
		return x.r.Host
	}
	return ""
}

// RequestHeaderRepeats reports whether a field has several values that are not empty.
func (x *netHTTP) RequestHeaderRepeats(name string) bool {
	n := 0
	for _, value := range x.r.Header[name] {
		if value != "" {
			n++
		}
	}
	return n > 1
}

func (x *netHTTP) EachRequestHeader(yield func(name, value string) bool) {
	for name, values := range x.r.Header {
		for _, v := range values {
			if !yield(name, v) {
				return
			}
		}
	}
}

func (x *netHTTP) ContentLength() int64 { return x.r.ContentLength }

func (x *netHTTP) Body() io.Reader {
	if x.body == nil {
		x.body = http.NoBody
		if x.hasBody() {
			x.body = x.r.Body
			if s := x.server(); s != nil && s.Body != nil {
				x.body = s.Body(x.r)
			}
		}
	}
	return x.body
}

func (x *netHTTP) hasBody() bool { return x.r.Body != nil && x.r.Body != http.NoBody }

func (x *netHTTP) EachRequestTrailer(yield func(name, value string) bool) {
	for name, values := range x.r.Trailer {
		for _, v := range values {
			// net/http lets names pass in trailers that it refuses in headers.
			if ascii.IsToken(name) && !(x.scrubs && forwards(name)) && !yield(name, v) {
				return
			}
		}
	}
}

func (x *netHTTP) WriteHead(status int, h *Header, length int64) error {
	to := x.w.Header()
	if len(to) > 0 {
		clear(to)
	}
	declares := length >= 0 && !x.findsLength(length)
	room := len(h.fields)
	if declares {
		room++
	}
	values := make([]string, len(h.fields), room)
	for i, f := range h.fields {
		values[i] = f.value
		if have := to[f.name]; have == nil {
			to[f.name] = values[i : i+1 : i+1]
		} else {
			to[f.name] = append(have, f.value)
		}
	}
	if declares {
		values = append(values, strconv.FormatInt(length, 10))
		to["Content-Length"] = values[len(values)-1:]
	}
	x.length = length
	if x.hasBody() {
		if s := x.server(); s != nil && s.BeforeHead != nil {
			s.BeforeHead(x.r, to, x.duplex)
		}
	}
	x.w.WriteHeader(status)
	return nil
}

func (x *netHTTP) findsLength(length int64) bool {
	if !x.whole || length >= autoLength || x.r.Method == http.MethodHead {
		return false
	}
	_, ok := x.w.(serverWriter)
	return ok
}

func (x *netHTTP) Write(p []byte) (int, error) {
	n, err := x.w.Write(p)
	return n, x.note(err)
}

// note remembers that the response is broken: net/http would otherwise end it.
func (x *netHTTP) note(err error) error {
	if err != nil {
		x.broken = true
	}
	return err
}

func (x *netHTTP) WriteBuffers(bufs net.Buffers) (int64, error) {
	var total int64
	for _, b := range bufs {
		n, err := x.w.Write(b)
		total += int64(n)
		if err != nil {
			return total, x.note(err)
		}
	}
	return total, nil
}

// ReadFrom gives the writer only files: it tells failures to read what is no file from
// failures to write it, of which the request's context learns, where net/http does not.
func (x *netHTTP) ReadFrom(r io.Reader) (int64, error) {
	from := r
	if l, ok := r.(*io.LimitedReader); ok {
		from = l.R
	}
	if _, ok := from.(*os.File); ok {
		return io.Copy(x.w, r)
	}
	buf := contentBuffers.Get().(*[wholeRead]byte)
	defer contentBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{x}, r, buf[:])
}

func (x *netHTTP) Flush() error {
	return http.NewResponseController(x.w).Flush()
}

// WriteTrailers first sends what is written: net/http would find out the length of
// a short body otherwise, and leave the trailers out.
func (x *netHTTP) WriteTrailers(h *Header) error {
	if x.length < 0 {
		if err := x.Flush(); err != nil {
			return err
		}
	}
	to := x.w.Header()
	for _, f := range h.fields {
		to[http.TrailerPrefix+f.name] = append(to[http.TrailerPrefix+f.name], f.value)
	}
	return h.err
}

func (x *netHTTP) EarlyHints(h *Header) error {
	if !x.r.ProtoAtLeast(1, 1) { // RFC 9110, section 15.2
		return nil
	}
	to := x.w.Header()
	saved := to.Clone()
	clear(to)
	for _, f := range h.fields {
		to[f.name] = append(to[f.name], f.value)
	}
	x.w.WriteHeader(http.StatusEarlyHints)
	clear(to)
	for name, values := range saved {
		to[name] = values
	}
	return nil
}

func (x *netHTTP) EnableFullDuplex() error {
	err := http.NewResponseController(x.w).EnableFullDuplex()
	x.duplex = err == nil
	return err
}

func (x *netHTTP) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(x.w).SetReadDeadline(t)
}

func (x *netHTTP) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(x.w).SetWriteDeadline(t)
}

func (x *netHTTP) Abort() { x.broken = true }

func (x *netHTTP) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(x.w).Hijack()
}

// ConnectProtocol finds it where servers of HTTP/3 put it: net/http has no other place.
func (x *netHTTP) ConnectProtocol() string {
	if x.r.Method != http.MethodConnect || x.r.ProtoMajor < 2 || strings.HasPrefix(x.r.Proto, "HTTP/") {
		return ""
	}
	return x.r.Proto
}

func (x *netHTTP) Upgrade(h *Header) (net.Conn, error) {
	s := x.server()
	if s == nil || s.Upgrade == nil || x.ConnectProtocol() == "" {
		return nil, errors.ErrUnsupported
	}
	to := x.w.Header()
	clear(to)
	for _, f := range h.fields {
		to[f.name] = append(to[f.name], f.value)
	}
	return s.Upgrade(x.w, x.r)
}

// UpgradeEvents is left to a goroutine.
func (x *netHTTP) UpgradeEvents(*Header, string, StreamEvents, EventConfig) error {
	return errors.ErrUnsupported
}

// Retain has nothing to do: net/http makes every request anew.
func (x *netHTTP) Retain() {}

func (x *netHTTP) Context() context.Context { return x.r.Context() }

// server returns what the server tells about the connection, nil if nothing.
func (x *netHTTP) server() *Conn {
	if x.conn == nil && !x.asked {
		x.conn, _ = x.r.Context().Value(connKey{}).(*Conn)
		x.asked = true
	}
	return x.conn
}

func (x *netHTTP) Draining() <-chan struct{} {
	if s := x.server(); s != nil {
		return s.Draining
	}
	return nil
}

// ConnInfo falls back to what net/http tells where the server tells nothing.
func (x *netHTTP) ConnInfo() *ConnInfo {
	if x.info != nil {
		return x.info
	}
	if s := x.server(); s != nil {
		x.info = s.Info
		if s.Info.TLS == nil && x.r.TLS != nil {
			with := *s.Info
			with.TLS, x.info = x.r.TLS, &with
		}
		return x.info
	}
	info := &ConnInfo{TLS: x.r.TLS}
	if addr, err := netip.ParseAddrPort(x.r.RemoteAddr); err == nil {
		info.Transport, info.Remote = "tcp", net.TCPAddrFromAddrPort(addr)
	}
	if local, ok := x.r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		info.Local = local
	}
	if x.r.ProtoMajor == 3 {
		info.Transport = "quic"
	}
	x.info = info
	return info
}

func (x *netHTTP) AltSvc() string {
	if s := x.server(); s != nil && s.AltSvc != nil {
		return s.AltSvc()
	}
	return ""
}

// Proxied asks the server: where nobody tells there was no PROXY header.
func (x *netHTTP) Proxied() bool {
	s := x.server()
	return s != nil && s.Info.Proxy != nil && x.r.Context().Value(proxiedKey{}) == nil
}
