package loop

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/tako-go/tako/internal/http1"
)

// requestBody is the body of a request: in memory if it came with the head, else
// read by a stream when the handler asks.
type requestBody struct {
	mem      []byte // of a whole body: what was not read yet
	whole    bool
	trailers []http1.Trailer

	// Of a body that a stream reads.
	left      int64 // to come; unknown with chunks
	chunks    http1.Chunked
	by        time.Time // the handler's own deadline
	since     time.Time // when the request began
	waited    time.Duration
	got       int64
	done      bool       // its end was seen
	lost      bool       // it cannot be read any more
	continued bool       // a 100 response was sent or is not waited for
	lock      sync.Mutex // of a retained exchange, held while somebody reads
	head      sync.Mutex // of a retained exchange, held while a head is written
}

// errEnded is what late readers of a body get.
var errEnded = errors.New("loop: request body read after its handler returned")

// unread reports whether some of the body is still to come from the client.
func (x *exchange) unread() bool {
	return x.req.Length != 0 && !x.body.whole && !x.body.done
}

// bodyReader is what a handler reads the body from.
type bodyReader exchange

func (b *bodyReader) Read(p []byte) (int, error) {
	x := (*exchange)(b)
	if x.retained && x.ended.Load() {
		return 0, errEnded
	}
	if !x.body.whole {
		return x.wire.readBody(x, p)
	}
	n := copy(p, x.body.mem)
	x.body.mem = x.body.mem[n:]
	if len(x.body.mem) == 0 && (n > 0 || len(p) > 0) {
		return n, io.EOF
	}
	return n, nil
}
