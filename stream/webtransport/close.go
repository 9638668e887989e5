package webtransport

import (
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/quic-go/quic-go/quicvarint"
	lib "github.com/quic-go/webtransport-go"
)

// Capsules of a session (draft-ietf-webtrans-http3-15, sections 4.7 and 6).
const (
	capsuleClose = 0x2843
	capsuleDrain = 0x78ae
)

// closeWait is how long a client has to answer the end of a session.
const closeWait = time.Second

// Close ends the session, and tells the client why: of the reason up to [MaxReason] bytes, which
// should be UTF-8. Streams that have not ended are broken off. It waits up to a second for the
// client to know. Later calls, and those behind the end, do nothing.
func (s *Session) Close(code uint32, reason string) error {
	reason = shorten(reason)
	s.endMu.Lock()
	first := !s.ending && s.ctx.Err() == nil
	told := first && !s.flow && s.farewell(code, reason)
	s.ending = true
	s.endMu.Unlock()
	if !first {
		return nil
	}
	s.cancel(&SessionError{Code: code, Reason: reason})
	if told {
		timer := time.NewTimer(closeWait)
		defer timer.Stop()
		select {
		case <-s.lib.Context().Done():
		case <-timer.C:
		}
	}
	return s.lib.CloseWithError(lib.SessionErrorCode(code), reason)
}

// farewell writes the last capsule, and ends the stream behind it. The library would ask the client
// to stop sending as well, and a browser that hears of that first takes the session for lost. It is
// called with endMu held, if nobody else writes to the stream.
func (s *Session) farewell(code uint32, reason string) bool {
	p := quicvarint.Append(nil, capsuleClose)
	p = quicvarint.Append(p, uint64(4+len(reason)))
	p = binary.BigEndian.AppendUint32(p, code)
	return s.stream.TryWriteAll(append(p, reason...)) == nil && s.stream.Close() == nil
}

// shorten cuts a reason, not within a character.
func shorten(reason string) string {
	if len(reason) <= MaxReason {
		return reason
	}
	end := MaxReason
	for end > 0 && !utf8.RuneStart(reason[end]) {
		end--
	}
	return reason[:end]
}

// tellDrain asks the client to end the session. With flow control the library may be in the middle
// of a write of its own, so that only the handler can tell the client then.
func (s *Session) tellDrain() {
	s.endMu.Lock()
	defer s.endMu.Unlock()
	if !s.ending && !s.flow {
		_ = s.stream.TryWriteAll(quicvarint.Append(quicvarint.Append(nil, capsuleDrain), 0))
	}
}
