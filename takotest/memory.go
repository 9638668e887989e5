package takotest

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/tako-go/tako"
)

// memory is a transport that calls the app on a goroutine. The response streams:
// it is returned as soon as the head is there.
type memory struct{ app tako.App }

func (m memory) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	server := serverRequest(ctx, req)
	pr, pw := io.Pipe()
	w := &memoryWriter{header: http.Header{}, ready: make(chan struct{}), body: pw, head: req.Method == http.MethodHead}
	go func() {
		defer cancel()
		if req.Body != nil {
			defer req.Body.Close()
		}
		defer func() {
			if v := recover(); v != nil {
				err := io.ErrUnexpectedEOF
				if v != http.ErrAbortHandler {
					panic(v)
				}
				w.fail(err)
			}
		}()
		m.app.ServeHTTP(w, server)
		w.finish()
	}()
	select {
	case <-w.ready:
	case <-req.Context().Done():
		cancel()
		_ = pw.CloseWithError(req.Context().Err())
		return nil, req.Context().Err()
	}
	if w.err != nil {
		return nil, w.err
	}
	resp := &http.Response{StatusCode: w.status, Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, ContentLength: -1, Request: req, Trailer: w.trailer}
	if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
		resp.ContentLength = n
	} else if w.status == http.StatusNoContent {
		resp.ContentLength = 0
	}
	resp.Body = &memoryBody{pr, cancel}
	return resp, nil
}

// serverRequest makes the request as a server would have it.
func serverRequest(ctx context.Context, req *http.Request) *http.Request {
	r := req.Clone(ctx)
	r.RequestURI = req.URL.RequestURI()
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	if u, err := url.ParseRequestURI(r.RequestURI); err == nil {
		r.URL = u
	}
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.RemoteAddr = "192.0.2.1:1234"
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	return r
}

type memoryBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close tells the handler that the client went away.
func (b *memoryBody) Close() error {
	b.cancel()
	return b.ReadCloser.Close()
}

// memoryWriter hands the head over once and pipes the body.
type memoryWriter struct {
	header  http.Header
	sent    http.Header
	trailer http.Header
	status  int
	head    bool // the request was HEAD
	err     error
	once    sync.Once
	ready   chan struct{}
	body    *io.PipeWriter
}

var _ http.Flusher = (*memoryWriter)(nil)

func (w *memoryWriter) Header() http.Header { return w.header }

func (w *memoryWriter) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.once.Do(func() {
			w.status, w.sent, w.trailer = status, w.header.Clone(), http.Header{}
			close(w.ready)
		})
	}
}

func (w *memoryWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.head || w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	n, err := w.body.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		err = tako.ErrClientGone
	}
	return n, err
}

func (w *memoryWriter) Flush() { w.WriteHeader(http.StatusOK) }

func (w *memoryWriter) finish() {
	w.WriteHeader(http.StatusOK)
	for name, values := range maps.All(w.header) {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			w.trailer[name] = values
		}
	}
	_ = w.body.Close()
}

// fail breaks the response off, as a closed connection would.
func (w *memoryWriter) fail(err error) {
	w.once.Do(func() {
		w.err = err
		close(w.ready)
	})
	_ = w.body.CloseWithError(err)
}
