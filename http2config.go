package tako

import (
	"fmt"
	"time"
)

// HTTP2Config configures HTTP/2 (RFC 9113) on a server. The zero value serves it wherever
// a client asks for it: by ALPN over TLS, and by its preface on connections without
// (h2c with prior knowledge). Zero fields mean their default; what is out of range
// is an error of Listen. The bounds of [Limits] hold as well: HeaderBytes and
// HeaderFields for the decoded fields of a request, HeaderTimeout for its frames,
// IdleTimeout for connections without streams.
type HTTP2Config struct {
	// Off serves HTTP/1.1 only.
	Off bool
	// NoCleartext refuses HTTP/2 on connections without TLS.
	NoCleartext bool
	// ExtendedConnect lets clients use CONNECT with :protocol (RFC 8441), such as for
	// WebSocket, on routes whose handlers call [Context.Upgrade]. Browsers that see it use
	// no connection of HTTP/1.1 for a WebSocket, so it is for those who have such handlers.
	ExtendedConnect bool
	// Streams bounds the streams that a client may have open. One that was reset
	// counts until its handler has returned; more are refused.
	// Default: 128.
	Streams int
	// Window is how many bytes of a request body may come before the handler reads
	// it: what each stream may hold in memory. The flow-control window of a connection is
	// that of all streams, so that unread bodies never stop the others.
	// Default: 64 KiB; from 1 to 16 MiB.
	Window int
	// MaxWindow is how far the window of a stream grows while its handler reads as
	// fast as the client sends, for clients far away. All streams of a connection
	// together grow by this much.
	// Default: 1 MiB; from Window to 16 MiB.
	MaxWindow int
	// SendBuffer is how many bytes of a response may wait in memory for the client;
	// then the handler's writes wait.
	// Default: 64 KiB.
	SendBuffer int
	// HeaderTable bounds the table of the field compression (HPACK), each way.
	// Default: 4 KiB; up to 64 KiB.
	HeaderTable int
	// Resets is how many streams a client may cause to be reset before they have been
	// answered, beyond 50 a second; each answered stream allows one more. Then the
	// connection ends with ENHANCE_YOUR_CALM.
	// Default: 500.
	Resets int
	// Controls is how many frames that carry nothing a client may send, such as PING,
	// SETTINGS, PRIORITY, empty DATA and needless WINDOW_UPDATE, beyond 200 a second.
	// Then the connection ends with ENHANCE_YOUR_CALM.
	// Default: 2000.
	Controls int
	// SettingsTimeout bounds the time to the client's preface and to its
	// acknowledgement of the server's SETTINGS; [NoLimit] waits for ever.
	// Default: 10 s.
	SettingsTimeout time.Duration
	// PingInterval is after how much silence a client with open streams is asked by PING
	// whether it is still there.
	// Default: 0, never.
	PingInterval time.Duration
	// PingTimeout is how long the answer to that PING may take before the connection
	// ends.
	// Default: 15 s.
	PingTimeout time.Duration
}

const maxWindow = 16 << 20

// WithDefaults returns h with defaults for what is zero; the error names the first
// field that is out of range.
func (h HTTP2Config) WithDefaults() (HTTP2Config, error) {
	var err error
	bound := func(field *int, name string, value, least, most int) {
		if *field == 0 {
			*field = value
		}
		if (*field < least || *field > most) && err == nil {
			err = fmt.Errorf("tako: HTTP2Config.%s is %d: it must be %d to %d, or 0 for the default", name, *field, least, most)
		}
	}
	bound(&h.Streams, "Streams", 128, 1, 1<<16)
	bound(&h.Window, "Window", 64<<10, 1, maxWindow)
	bound(&h.MaxWindow, "MaxWindow", max(1<<20, h.Window), max(h.Window, 1), maxWindow)
	bound(&h.SendBuffer, "SendBuffer", 64<<10, 1, maxWindow)
	bound(&h.HeaderTable, "HeaderTable", 4<<10, 1, 64<<10)
	bound(&h.Resets, "Resets", 500, 1, 1<<30)
	bound(&h.Controls, "Controls", 2000, 1, 1<<30)
	set(&h.SettingsTimeout, 10*time.Second, "HTTP2Config.SettingsTimeout", &err)
	set(&h.PingTimeout, 15*time.Second, "HTTP2Config.PingTimeout", &err)
	if h.PingInterval < 0 && err == nil {
		err = fmt.Errorf("tako: HTTP2Config.PingInterval is %v: it must not be negative", h.PingInterval)
	}
	return h, err
}
