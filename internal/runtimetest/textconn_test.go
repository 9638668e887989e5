package runtimetest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// otherServer is a server that is not ours: what the client gets wrong, both would
// have to get wrong in the same way.
func otherServer(t *testing.T, p Protocol, handler http.Handler) (*T, net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{Handler: handler, Protocols: protocols}
	x := &T{TB: t, target: Target{Protocol: p}, patience: 10 * time.Second}
	if x.secure() {
		s.TLSConfig, _ = x.certs().TLS(t.Context(), []string{"h2", "http/1.1"}, nil)
		go func() { _ = s.ServeTLS(ln, "", "") }()
	} else {
		go func() { _ = s.Serve(ln) }()
	}
	t.Cleanup(func() { _ = s.Close() })
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return x, conn
}

func otherHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Content-Length", itoa(len(body)))
		w.Header().Set("X-Sum", r.Trailer.Get("X-Sum"))
		w.Header().Set("X-Length", itoa(int(r.ContentLength)))
		_, _ = w.Write(body)
	})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Sum")
		for range 100 {
			_, _ = io.WriteString(w, strings.Repeat("x", 3000))
		}
		w.Header().Set("X-Sum", "abc")
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/nothing", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

func TestProtocols(t *testing.T) {
	for _, p := range []Protocol{HTTP1, HTTP1TLS, HTTP2, H2C} {
		t.Run(p.String(), func(t *testing.T) {
			x, conn := otherServer(t, p, otherHandler())
			c := x.clientOn(conn)
			long := strings.Repeat("long ", 100_000)
			chunked := "POST /echo HTTP/1.1\r\nHost: a.example\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: abc\r\n\r\n"
			// All at once, but over HTTP/2: there net/http may starve the first of several bodies.
			atOnce := p == HTTP1 || p == HTTP1TLS
			c.send(request("POST", "/echo", "hello"))
			if atOnce {
				c.send(request("POST", "/echo", long), chunked)
			}
			if r := c.expect(200); r.body != "hello" || r.declared != 5 || r.get("X-Length") != "5" {
				t.Errorf("got %+v", r)
			}
			if !atOnce {
				c.send(request("POST", "/echo", long))
			}
			if r := c.expect(200); r.body != long {
				t.Errorf("got %d bytes of %d", len(r.body), len(long))
			}
			if !atOnce {
				c.send(chunked)
			}
			if r := c.expect(200); r.body != "hello!" || r.get("X-Sum") != "abc" || r.get("X-Length") != "-1" {
				t.Errorf("got %+v", r)
			}
			c.send(request("HEAD", "/echo", ""), request("GET", "/nothing", ""), request("GET", "/stream", "", "TE: trailers"))
			if r := c.read("HEAD"); r.status != 200 || r.body != "" {
				t.Errorf("got %+v", r)
			}
			c.expect(204)
			r := c.expect(200)
			if len(r.body) != 300_000 || len(r.interim) != 1 || len(r.trailer) != 1 || r.trailer[0] != (field{"X-Sum", "abc"}) {
				t.Errorf("got %d bytes behind %v, trailer %v", len(r.body), r.interim, r.trailer)
			}
			c.quiet(10 * time.Millisecond)
			c.send(request("GET", "/cut", ""))
			if r, err := c.tryRead("GET"); !cutOff(err) || !errors.Is(err, errCut) || r.body != "half" {
				t.Errorf("got %+v and %v, want a response that is cut off", r, err)
			}
			c.closed()
		})
	}
}

// TestHalfBody sends a body piece by piece, and its end not at all.
func TestHalfBody(t *testing.T) {
	got := make(chan string, 10)
	for _, p := range []Protocol{HTTP1, HTTP1TLS, HTTP2, H2C} {
		t.Run(p.String(), func(t *testing.T) {
			x, conn := otherServer(t, p, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				b := make([]byte, 100)
				for {
					n, err := r.Body.Read(b)
					if n > 0 {
						got <- string(b[:n])
					}
					if err != nil {
						got <- fmt.Sprintf("end: %v", err == io.EOF)
						return
					}
				}
			}))
			c := x.clientOn(conn)
			c.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\n")
			for _, part := range []string{"he", "llo"} {
				c.send(part)
				if text := waitFor(x, "a part", got); text != part {
					t.Errorf("got %q, want %q", text, part)
				}
			}
			_ = c.Close()
			if text := waitFor(x, "the end", got); text != "end: false" {
				t.Errorf("got %q, want an error", text)
			}
		})
	}
}

// TestFrames looks at the client's judgement of responses.
func TestFrames(t *testing.T) {
	x, conn := otherServer(t, H2C, otherHandler())
	c := newFrameClient(x, conn, frameOptions{})
	c.begin()
	defer c.close()
	c.ready()
	if r := c.ask("/stream"); len(r.body) != 300_000 || len(r.trailer) != 1 || len(r.interim) != 1 {
		t.Errorf("got %d bytes, trailer %v, interim %v", len(r.body), r.trailer, r.interim)
	}
	id := c.open(true, c.get("/cut"))
	c.resets(id, http2.ErrCodeInternal)
	if r, err := c.outcome(id); err == nil || r.body != "half" {
		t.Errorf("got %+v and %v, want an error", r, err)
	}
	c.write(func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(0, 0) })
	c.dies(http2.ErrCodeProtocol)
}

func TestStreamChecks(t *testing.T) {
	length := []field{{"content-length", "5"}}
	tests := []struct {
		name string
		st   h2stream
		fine bool
	}{
		{"right", h2stream{status: 200, head: length, size: 5, ended: true}, true},
		{"short", h2stream{status: 200, head: length, size: 4, ended: true}, false},
		{"under way", h2stream{status: 200, head: length, size: 4}, true},
		{"head", h2stream{method: "HEAD", status: 200, head: length, ended: true}, true},
		{"body of head", h2stream{method: "HEAD", status: 200, head: length, size: 5, ended: true}, false},
		{"body of 204", h2stream{status: 204, size: 1}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.st.checkLength()
			if (tt.st.wrong == nil) != tt.fine {
				t.Errorf("got %v", tt.st.wrong)
			}
		})
	}
}

func TestRelayDeadline(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	r := newRelay(ours)
	_ = r.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	_ = r.SetReadDeadline(time.Time{})
	go r.in.put([]byte("late"), r.gone)
	if n, err := r.Read(make([]byte, 10)); n != 4 || err != nil {
		t.Errorf("got %d bytes and %v", n, err)
	}
	_, _ = r.Write([]byte("out"))
	_ = r.CloseWrite()
	if text, err := io.ReadAll(&r.out); string(text) != "out" || err != nil {
		t.Errorf("got %q and %v", text, err)
	}
	_ = r.Close()
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want that it is closed", err)
	}
}
