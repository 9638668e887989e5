package http2

import (
	"fmt"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"github.com/tako-go/tako/internal/assert"
)

func TestResponses(t *testing.T) {
	tests := []struct {
		name    string
		respond func(p *peer, s *Stream)
		want    []string
	}{
		{"head alone", func(_ *peer, s *Stream) { _ = s.Head(204, nil, -1, ""); s.End(nil) }, []string{"HEADERS 1 :status=204 END"}},
		{"body", func(_ *peer, s *Stream) { answer(s) }, []string{"HEADERS 1 :status=200 content-length=2", `DATA 1 "ok" END`}},
		{"pieces", func(_ *peer, s *Stream) {
			_ = s.Head(200, nil, -1, "")
			_, _ = s.Write([]byte("a"))
			_, _ = s.Write(nil)
			_, _ = s.Write([]byte("b"))
			s.End(nil)
		}, []string{"HEADERS 1 :status=200", `DATA 1 "a"`, `DATA 1 "b" END`}},
		{"end of its own", func(p *peer, s *Stream) {
			_ = s.Head(200, nil, -1, "")
			_, _ = s.Write([]byte("a"))
			p.want("HEADERS 1 :status=200", `DATA 1 "a"`)
			s.End(nil)
		}, []string{`DATA 1 "" END`}},
		{"end of a head that was taken", func(p *peer, s *Stream) {
			_ = s.Head(200, nil, 0, "")
			p.want("HEADERS 1 :status=200 content-length=0")
			s.End(nil)
		}, []string{`DATA 1 "" END`}},
		{"end behind frames of others", func(p *peer, s *Stream) {
			_ = s.Head(200, nil, 0, "")
			other := p.get(3)
			_ = other.Head(404, nil, -1, "")
			p.raw(framePing, 0, 0, "12345678")
			s.End(nil)
		}, []string{"HEADERS 1 :status=200 content-length=0 END", "HEADERS 3 :status=404", "PING ACK 12345678"}},
		{"trailers", func(_ *peer, s *Stream) {
			_ = s.Head(200, nil, -1, "")
			_, _ = s.Write([]byte("a"))
			s.End(fieldList{{"Grpc-Status", "0"}, {"Connection", "close"}})
		}, []string{"HEADERS 1 :status=200", `DATA 1 "a"`, "HEADERS 1 grpc-status=0 END"}},
		{"no trailers", func(_ *peer, s *Stream) { _ = s.Head(200, nil, -1, ""); s.End(fieldList{}) }, []string{"HEADERS 1 :status=200 END"}},
		{"early hints", func(_ *peer, s *Stream) {
			_ = s.Inform(103, fieldList{{"Link", "</a.css>; rel=preload"}, {"Link", "</b.css>; rel=preload"}})
			_ = s.Inform(100, nil)
			_ = s.Head(200, nil, 0, "")
			s.End(nil)
		}, []string{"HEADERS 1 :status=103 link=</a.css>; rel=preload link=</b.css>; rel=preload", "HEADERS 1 :status=100", "HEADERS 1 :status=200 content-length=0 END"}},
		{"date", func(_ *peer, s *Stream) { _ = s.Head(200, nil, -1, "now"); s.End(nil) }, []string{"HEADERS 1 :status=200 date=now END"}},
		{"date of its own", func(_ *peer, s *Stream) {
			_ = s.Head(200, fieldList{{"Date", "then"}}, -1, "now")
			s.End(nil)
		}, []string{"HEADERS 1 :status=200 date=then END"}},
		{"fields of HTTP/1.1", func(_ *peer, s *Stream) {
			_ = s.Head(200, fieldList{{"Connection", "x"}, {"Keep-Alive", "1"}, {"Proxy-Connection", "x"}, {"Transfer-Encoding", "chunked"}, {"Upgrade", "h2c"},
				{"Content-Length", "9"}, {"X-Other", "y"}}, 0, "")
			s.End(nil)
		}, []string{"HEADERS 1 :status=200 x-other=y content-length=0 END"}},
		{"fields of requests", func(_ *peer, s *Stream) {
			_ = s.Head(200, fieldList{{"Te", "gzip"}, {"Http2-Settings", "AA"}, {"X-Other", "y"}}, 0, "")
			s.End(nil)
		}, []string{"HEADERS 1 :status=200 x-other=y content-length=0 END"}},
		{"fields that Connection names", func(_ *peer, s *Stream) {
			hop := fieldList{{"X-A", "1"}, {"Connection", "close, x-a,\tX-B"}, {"X-B", "2"}, {"Connection", "date"}, {"Date", "then"}, {"X-Ab", "3"}}
			_ = s.Inform(103, hop)
			_ = s.Head(200, hop, -1, "now")
			s.End(fieldList{{"X-A", "1"}, {"X-C", "4"}})
		}, []string{"HEADERS 1 :status=103 x-ab=3", "HEADERS 1 :status=200 x-ab=3 date=now", "HEADERS 1 x-c=4 END"}},
		{"reset", func(_ *peer, s *Stream) { _ = s.Head(200, nil, 9, ""); s.Reset(InternalError, "") }, []string{"HEADERS 1 :status=200 content-length=9", "RST_STREAM 1 INTERNAL_ERROR"}},
		{"nothing", func(_ *peer, s *Stream) { s.Release() }, []string{"RST_STREAM 1 INTERNAL_ERROR"}},
		{"broken off", func(_ *peer, s *Stream) { _ = s.Head(200, nil, 9, ""); s.Release() }, []string{"HEADERS 1 :status=200 content-length=9", "RST_STREAM 1 INTERNAL_ERROR"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, nil)
			test.respond(p, p.get(1))
			p.want(test.want...)
			p.settle()
		})
	}
}

func TestStatus(t *testing.T) {
	p := connect(t, nil)
	for status := 100; status < 600; status++ {
		s := p.get(uint32(2*status - 199))
		_ = s.Head(status, nil, -1, "")
		s.End(nil)
		s.Release()
		p.want(fmt.Sprintf("HEADERS %d :status=%d END", 2*status-199, status))
	}
}

// TestMisuse demands that a response has one head, and nothing behind its end.
func TestMisuse(t *testing.T) {
	p := connect(t, nil)
	s := p.post(1)
	assert.NoError(t, s.Head(200, nil, -1, ""))
	assert.ErrorIs(t, s.Head(200, nil, -1, ""), errHeadSent)
	assert.ErrorIs(t, s.Inform(103, nil), errHeadSent)
	s.End(nil)
	s.End(fieldList{{"A", "b"}})
	_, err := s.Write([]byte("x"))
	assert.ErrorIs(t, err, errOver)
	assert.NoError(t, s.Err())
	s.Reset(InternalError, "late")
	assert.NoError(t, s.Err(), "the response is whole")
	p.want("HEADERS 1 :status=200 END", "RST_STREAM 1 INTERNAL_ERROR")
	s.Reset(InternalError, "twice")
	s.Release()
	p.want()
	p.settle()
}

// TestLongBlocks splits header blocks that are longer than a frame.
func TestLongBlocks(t *testing.T) {
	for _, size := range []int{maxFrame - 40, 2*maxFrame - 40, 50_000} {
		for pad := range 60 { // around the size that just fits
			p := connect(t, nil)
			s := p.get(1)
			fields := fieldList{{"X-Long", strings.Repeat("\x80", size+pad)}} // without a shorter code
			want := fmt.Sprintf("x-long=\x80\x80\x80.. (%d)", size+pad+7)
			blocks := 0
			frames := func() string {
				got := strings.Join(p.frames(), "|")
				blocks = strings.Count(got, "(+")
				for i := range 5 {
					got = strings.ReplaceAll(got, fmt.Sprintf(" (+%d)", i), "")
				}
				return got
			}
			assert.NoError(t, s.Inform(103, fields))
			assert.NoError(t, s.Head(200, fields, -1, ""))
			s.End(fields)
			assert.Equal(t, frames(), "HEADERS 1 :status=103 "+want+"|HEADERS 1 :status=200 "+want+"|HEADERS 1 "+want+" END")
			if size > maxFrame {
				assert.Equal(t, blocks, 3)
			}
			s = p.get(3)
			assert.NoError(t, s.Head(200, fields, -1, ""))
			s.End(nil) // patched into the first frame, not the last
			assert.Equal(t, frames(), "HEADERS 3 :status=200 "+want+" END")
		}
	}
}

// TestLongFrames demands that frames stay small for streams to take turns, whatever
// the client allows.
func TestLongFrames(t *testing.T) {
	p := connect(t, nil, xhttp2.Setting{ID: xhttp2.SettingMaxFrameSize, Val: 1 << 20})
	s := p.get(1)
	_ = s.Head(200, nil, -1, "")
	_, _ = s.Write(make([]byte, 40_000))
	s.End(nil)
	p.want("HEADERS 1 :status=200", "DATA 1 16384", "DATA 1 16384", "DATA 1 7232 END")
}

// TestTake demands that the memory which is given is used, and that a connection says
// whether it has something to send.
func TestTake(t *testing.T) {
	p := connect(t, nil)
	assert.Equal(t, p.Unsent(), false)
	buf := make([]byte, 5, 100)
	assert.Equal(t, len(p.Take(buf)), 0)
	p.raw(framePing, 0, 0, "12345678")
	assert.Equal(t, p.Unsent(), true)
	assert.Equal(t, p.Idle(), false)
	out := p.Take(nil)
	assert.Equal(t, &out[0] == &buf[0], true)
	assert.Equal(t, string(out), string(appendPing(nil, flagAck, []byte("12345678"))))
	assert.Equal(t, p.Idle(), true)
}

// TestRest gives memory back while nothing is under way.
func TestRest(t *testing.T) {
	p := connect(t, nil)
	s := p.get(1)
	assert.Equal(t, p.Rest(), nil)
	answer(s)
	assert.Equal(t, p.Rest(), nil)
	if p.Gathered() < 2*frameHeader+2 {
		t.Errorf("%d bytes", p.Gathered())
	}
	p.frames()
	p.Take(make([]byte, 0, 100))
	assert.Equal(t, cap(p.Rest()), 100)
	assert.Equal(t, cap(p.Rest()), 0)
	answer(p.get(3))
	p.want("HEADERS 3 :status=200 content-length=2", `DATA 3 "ok" END`)
}

func TestPing(t *testing.T) {
	p := connect(t, nil)
	assert.Equal(t, p.Heard(), p.clock)
	assert.Equal(t, p.Unanswered(), int64(0))
	p.Ping(p.clock + 5)
	p.Ping(p.clock + 6)
	assert.Equal(t, p.Unanswered(), p.clock+5)
	p.want("PING tako:up?")
	p.clock += 9
	p.raw(framePing, flagAck, 0, "someelse")
	assert.Equal(t, p.Unanswered(), p.clock-4)
	p.raw(framePing, flagAck, 0, "tako:up?")
	assert.Equal(t, p.Unanswered(), int64(0))
	assert.Equal(t, p.Heard(), p.clock)
	p.Ping(p.clock)
	p.want("PING tako:up?")
}
