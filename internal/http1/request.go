package http1

// Limits bound the head of a request; zero or less means no bound.
type Limits struct {
	// HeadBytes bounds the whole head.
	HeadBytes int
	// TargetBytes bounds the request-target.
	TargetBytes int
	// Fields bounds the number of field lines.
	Fields int
}

// Span is a part of a head.
type Span struct{ From, To uint32 }

// Field is a field line. Value has no white space around it.
type Field struct{ Name, Value Span }

// Request is the head of a request: places in the bytes that Parse was given. It
// can be used again, which keeps its memory.
type Request struct {
	// Method and Target are parts of the request line.
	Method, Target Span
	// Authority is that of an absolute target or of CONNECT, else the value of Host.
	Authority Span
	// Fields are the field lines in order.
	Fields []Field
	// Length is the length of the body: 0 if there is none, -1 with the chunked
	// coding.
	Length int64
	// Minor is 0 for HTTP/1.0 and 1 for all later versions.
	Minor uint8
	// Close says that the connection does not outlive the exchange.
	Close bool
	// Continue says that the client waits for a 100 response.
	Continue bool
	// Declared says that there is a Content-Length.
	Declared bool
	// Size is the number of bytes of the head, with an empty line before it.
	Size int

	host []byte // the last one that was found valid
}

// reset empties r but for what it remembers.
func (r *Request) reset() {
	r.Method, r.Target, r.Authority = Span{}, Span{}, Span{}
	r.Fields = r.Fields[:0]
	r.Length, r.Minor, r.Size = 0, 0, 0
	r.Close, r.Continue, r.Declared = false, false, false
}

// Of returns the bytes of a span.
func (s Span) Of(head []byte) []byte { return head[s.From:s.To:s.To] }

func span(from, to int) Span { return Span{uint32(from), uint32(to)} }
