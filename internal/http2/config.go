package http2

import "time"

// Config bounds what a client may take of a connection. All fields must be set;
// those of time and size say how no limit is written. It is shared by connections and not changed.
type Config struct {
	Streams      int // open at once
	Window       int // bytes of a request body that nobody has read, for each stream
	MaxWindow    int // what the windows of all streams together may grow by
	SendBuffer   int // bytes of a response that wait, for each stream
	HeaderTable  int // of HPACK, each way
	Resets       int // of streams that were not answered, beyond resetRate a second
	Controls     int // of frames that carry nothing, beyond controlRate a second
	HeaderBytes  int // of the decoded fields of a request, -1 without limit
	HeaderFields int // -1 without limit
	// WriteTimeout bounds the time that a response may wait for the client's windows,
	// 0 without limit.
	WriteTimeout time.Duration
	// Connect lets clients use extended CONNECT (RFC 8441).
	Connect bool
}

// Hooks are what a connection needs of its driver. They are called while the Conn
// is at work and must not call it.
type Hooks interface {
	// NewStream returns memory for a stream, zero or used before.
	NewStream() *Stream
	// Wake says that something a reader or writer of the stream waits for may have changed:
	// there is more of the body, more room for the response, or an error.
	Wake(s *Stream)
	// Free gives the memory of a stream back: its handler has released it and
	// everything was sent.
	Free(s *Stream)
}
