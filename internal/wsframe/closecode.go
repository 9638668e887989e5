package wsframe

// CloseCode is a status code of a close frame (RFC 6455, section 7.4).
type CloseCode uint16

// The status codes of RFC 6455 and of its registry.
const (
	CloseNormal          CloseCode = 1000
	CloseGoingAway       CloseCode = 1001
	CloseProtocolError   CloseCode = 1002
	CloseUnsupportedData CloseCode = 1003
	CloseNoStatus        CloseCode = 1005 // never on the wire: the close frame had no code
	CloseAbnormal        CloseCode = 1006 // never on the wire: there was no close frame
	CloseInvalidPayload  CloseCode = 1007
	ClosePolicyViolation CloseCode = 1008
	CloseTooBig          CloseCode = 1009
	CloseMissing         CloseCode = 1010 // a client misses an extension
	CloseInternal        CloseCode = 1011
	CloseServiceRestart  CloseCode = 1012
	CloseTryAgainLater   CloseCode = 1013
	CloseBadGateway      CloseCode = 1014
)

// Sendable reports whether c may be in a close frame: 1000 to 1003, 1007 to 1014, and what
// libraries (3000 to 3999) and applications (4000 to 4999) define.
func (c CloseCode) Sendable() bool {
	switch {
	case c >= 1000 && c <= 1003, c >= 1007 && c <= 1014, c >= 3000 && c <= 4999:
		return true
	}
	return false
}
