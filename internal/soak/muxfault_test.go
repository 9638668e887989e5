package soak

import (
	"cmp"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// wrongServer answers the first request of a connection, however a case wants.
type wrongServer struct {
	fr  *http2.Framer
	n   string // the number in the request
	enc *hpack.Encoder
	out strings.Builder
}

func (s *wrongServer) head(id uint32, end bool, fields ...string) {
	s.out.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = s.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = s.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: end, EndHeaders: true, BlockFragment: []byte(s.out.String())})
}

func (s *wrongServer) right(id uint32) {
	s.head(id, false, ":status", "200", "x-n", s.n, "x-version", "1")
	_ = s.fr.WriteData(id, true, []byte("n="+s.n+" v=1\n"))
}

// serve calls answer with the first request, and closes.
func (s *wrongServer) serve(ln net.Listener, answer func(s *wrongServer)) {
	conn, err := ln.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	if _, err := io.CopyN(io.Discard, conn, int64(len(http2.ClientPreface))); err != nil {
		return
	}
	s.fr = http2.NewFramer(conn, conn)
	s.fr.AllowIllegalWrites = true
	s.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	s.enc = hpack.NewEncoder(&s.out)
	_ = s.fr.WriteSettings()
	for {
		f, err := s.fr.ReadFrame()
		if err != nil {
			return
		}
		if head, ok := f.(*http2.MetaHeadersFrame); ok {
			path := head.PseudoValue("path")
			s.n = path[strings.LastIndexByte(path, '/')+1:]
			answer(s)
			if tcp, ok := conn.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
				_, _ = io.Copy(io.Discard, conn)
			}
			return
		}
	}
}

// TestWrongFrames has servers that break the protocol, and a client that must notice.
func TestWrongFrames(t *testing.T) {
	data := make([]byte, 16384)
	tests := []struct {
		name, want string
		unseen     bool  // the handler does not know of the request
		room       int64 // the client's window, 0 for the usual one
		answer     func(s *wrongServer)
	}{
		{name: "right", answer: func(s *wrongServer) { s.right(1) }},
		{name: "no handler", want: "an answer came that no handler gave", unseen: true, answer: func(s *wrongServer) { s.right(1) }},
		{name: "lost", want: "answer lost", answer: func(s *wrongServer) {}},
		{name: "dropped", want: "dropped: ", unseen: true, answer: func(s *wrongServer) {}},
		{name: "covered by GOAWAY", want: "is covered by GOAWAY", unseen: true, answer: func(s *wrongServer) { _ = s.fr.WriteGoAway(1, http2.ErrCodeNo, nil) }},
		{name: "not covered", unseen: true, answer: func(s *wrongServer) { _ = s.fr.WriteGoAway(0, http2.ErrCodeNo, nil) }},
		{name: "begun and not covered", want: "answer lost", answer: func(s *wrongServer) { _ = s.fr.WriteGoAway(0, http2.ErrCodeNo, nil) }},
		{name: "GOAWAY grows", want: "GOAWAY 5 after 1", answer: func(s *wrongServer) {
			_ = s.fr.WriteGoAway(1, http2.ErrCodeNo, nil)
			_ = s.fr.WriteGoAway(5, http2.ErrCodeNo, nil)
		}},
		{name: "GOAWAY for good clients", want: "ENHANCE_YOUR_CALM", answer: func(s *wrongServer) { _ = s.fr.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, nil) }},
		{name: "reset", want: "reset: ", answer: func(s *wrongServer) { _ = s.fr.WriteRSTStream(1, http2.ErrCodeInternal) }},
		{name: "refused", want: "REFUSED_STREAM", unseen: true, answer: func(s *wrongServer) { _ = s.fr.WriteRSTStream(1, http2.ErrCodeRefusedStream) }},
		{name: "of another", want: "mixed up: ", answer: func(s *wrongServer) {
			s.n = "77"
			s.right(1)
		}},
		{name: "body of another", want: "mixed up: ", answer: func(s *wrongServer) {
			s.head(1, false, ":status", "200", "x-n", s.n, "x-version", "1")
			_ = s.fr.WriteData(1, true, []byte("n=7 v=1\n"))
		}},
		{name: "cut body", want: "mixed up: ", answer: func(s *wrongServer) { s.head(1, true, ":status", "200", "x-n", s.n, "x-version", "1") }},
		{name: "two heads", want: "a second head", answer: func(s *wrongServer) {
			s.head(1, false, ":status", "200", "x-n", s.n)
			s.head(1, false, ":status", "200", "x-n", s.n)
		}},
		{name: "other stream", want: "behind its end", answer: func(s *wrongServer) {
			s.right(3)
			s.right(1)
		}},
		{name: "DATA first", want: "outside of a response", answer: func(s *wrongServer) { _ = s.fr.WriteData(1, true, data[:1]) }},
		{name: "window", want: "above the window", room: 1000, answer: func(s *wrongServer) {
			_ = s.fr.WriteSettingsAck() // from here on the window is the client's
			s.head(1, false, ":status", "200", "x-n", s.n, "x-version", "1")
			_ = s.fr.WriteData(1, false, data)
		}},
		{name: "acknowledges nothing", want: "an acknowledgement of no SETTINGS", answer: func(s *wrongServer) {
			for range 3 {
				_ = s.fr.WriteSettingsAck()
			}
		}},
		{name: "malformed", want: "frames: ", answer: func(s *wrongServer) { s.head(1, true, ":status", "200", "Upper", "1") }},
		{name: "no frame", want: "frames: ", answer: func(s *wrongServer) { _ = s.fr.WriteRawFrame(http2.FramePing, 0, 0, data[:3]) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := askWrong(t, tt.unseen, cmp.Or(tt.room, 65535), tt.answer)
			if tt.want == "" {
				assert.Equal(t, got, "")
				return
			}
			assert.Contains(t, got, tt.want)
		})
	}
}

// askWrong asks such a server once, and returns what was found.
func askWrong(t *testing.T, unseen bool, room int64, answer func(s *wrongServer)) string {
	ln, err := net.Listen("tcp", anyPort)
	assert.NoError(t, err)
	defer ln.Close()
	var got notes
	x := newRotation(Target{}, newRecord(&got, "wrong"), nil, 0)
	x.addr = ln.Addr().(*net.TCPAddr)
	j := x.get("/quick/")
	served := make(chan struct{})
	go func() {
		defer close(served)
		new(wrongServer).serve(ln, func(s *wrongServer) {
			if !unseen {
				_ = x.ledger.begin(j.n)
			}
			answer(s)
		})
	}()
	c := x.dialMux(style{room: room})
	c.do(j)
	c.leave(finish)
	<-served
	return got.text.String()
}

// TestWrongStreams breaks answers over HTTP/2 and leaves those over HTTP/1.1 alone.
func TestWrongStreams(t *testing.T) {
	quiet(t)
	tests := []struct {
		name, want string
		fault      func(c *tako.Context, next tako.Handler) error
	}{
		{"lost", "reset: ", func(*tako.Context, tako.Handler) error { panic(http.ErrAbortHandler) }},
		{"of another", "mixed up: ", func(c *tako.Context, next tako.Handler) error {
			c.Header().Set("X-N", "8")
			return next(c)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			noticed(t, tt.want, Config{Targets: targets(t)[3:4], Duration: time.Millisecond, Rotation: 300 * time.Millisecond,
				around: func(next tako.Handler) tako.Handler {
					return func(c *tako.Context) error {
						if number(c)%50 == 7 && c.Protocol() == tako.HTTP2 {
							return tt.fault(c, next)
						}
						return next(c)
					}
				}})
		})
	}
}
