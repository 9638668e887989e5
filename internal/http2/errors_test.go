package http2

import (
	"errors"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func asStreamError(err error, target **StreamError) bool { return errors.As(err, target) }

func TestErrors(t *testing.T) {
	assert.Equal(t, Cancel.String(), "CANCEL")
	assert.Equal(t, HTTP11Required.String(), "HTTP_1_1_REQUIRED")
	assert.Equal(t, Code(14).String(), "code 14")
	assert.Equal(t, (&ConnError{FrameSizeError, "too large"}).Error(), "http2: FRAME_SIZE_ERROR: too large")
	assert.Equal(t, (&StreamError{Code: Cancel, Remote: true}).Error(), "http2: stream reset by the client: CANCEL")
	assert.Equal(t, (&StreamError{Code: InternalError, Reason: "no response"}).Error(), "http2: stream reset: INTERNAL_ERROR: no response")
}

// TestEnds demands that streams learn why they, or their connection, have ended.
func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name   string
		end    func(p *peer, s *Stream)
		stream error
		conn   error
		want   []string
	}{
		{"reset by the client", func(p *peer, _ *Stream) { p.raw(frameReset, 0, 1, u32(8)) }, &StreamError{Code: Cancel, Remote: true}, nil, nil},
		{"reset by the handler", func(_ *peer, s *Stream) { s.Reset(InternalError, "panic") }, &StreamError{Code: InternalError, Reason: "panic"}, nil, []string{"RST_STREAM 1 INTERNAL_ERROR"}},
		{"protocol error", func(p *peer, _ *Stream) { p.raw(framePush, 0, 1, "") }, ErrClosed, &ConnError{ProtocolError, "PUSH_PROMISE from a client"},
			[]string{"GOAWAY 3 PROTOCOL_ERROR PUSH_PROMISE from a client"}},
		{"stopped", func(p *peer, _ *Stream) { p.Stop(SettingsTimeout, "slow") }, ErrClosed, ErrClosed, []string{"GOAWAY 3 SETTINGS_TIMEOUT slow"}},
		{"closed", func(p *peer, _ *Stream) { p.Close(broken) }, ErrClosed, broken, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, nil)
			s := p.post(1)
			p.request(3, false, ask("POST")...) // nobody takes it
			woken := p.pool.woken[s]
			test.end(p, s)
			assert.Equal(t, s.Err(), test.stream)
			assert.Equal(t, p.pool.woken[s], woken+1)
			_, err := s.Read(make([]byte, 1))
			assert.Equal(t, err, test.stream, "read")
			_, err = s.Write([]byte("x"))
			assert.Equal(t, err, test.stream, "write")
			assert.Equal(t, s.Head(200, nil, -1, ""), test.stream, "head")
			assert.Equal(t, s.Inform(103, nil), test.stream, "inform")
			s.End(nil)
			s.Reset(Cancel, "again")
			assert.Equal(t, p.Conn.Err(), test.conn)
			p.want(test.want...)
			assert.Equal(t, p.Pending(), test.conn == nil)
			if test.conn != nil {
				p.Stop(NoError, "")
				p.Close(errors.New("later"))
				p.Ping(1)
				p.Drain()
				p.FinishDrain()
				assert.Equal(t, p.Conn.Err(), test.conn)
				p.want()
				assert.Equal(t, p.Streams(), 1)
			}
			s.Release()
			assert.Equal(t, p.Streams(), map[bool]int{true: 1, false: 0}[test.conn == nil])
			p.settle()
		})
	}
}
