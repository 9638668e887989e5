package wsframe

// Kind says what an [Event] is.
type Kind uint8

// The kinds of events.
const (
	// More: the input is used up, and nothing is pending.
	More Kind = iota
	// Message: Op and Data are a whole message, decompressed, text checked.
	Message
	// Part: Data is the next part of a message of Op, and Fin says whether it is the last,
	// which may be empty. Only a message that NextPart has begun comes in parts.
	Part
	// Ping and Pong: Data is the payload.
	Ping
	Pong
	// Closed: the peer closes with Code, CloseNoStatus if it gave none, and the reason
	// Data, both checked. What comes behind it is dropped.
	Closed
)

// Event is what a [Receiver] has found.
type Event struct {
	// Kind says what it is, and which of the fields count.
	Kind Kind
	// Op is OpText or OpBinary.
	Op Opcode
	// Fin marks the last Part.
	Fin bool
	// Compressed says that the Data of the Parts has to go through [Receiver.Inflate].
	Compressed bool
	// Code is the status code of Closed.
	Code CloseCode
	// Data is the payload. It is borrowed, and may be changed, until the next call of Next
	// or NextPart.
	Data []byte
}
