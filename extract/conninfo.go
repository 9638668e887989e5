package extract

import "github.com/tako-go/tako"

// ConnInfo describes the connection of the request: its ends, TLS, and what a PROXY
// header has told. It never fails.
type ConnInfo struct {
	// ConnInfo is shared and read-only. It is never nil after Extract, and may be
	// kept.
	*tako.ConnInfo
}

var _ tako.Describer = (*ConnInfo)(nil)

// Extract asks for the description.
func (i *ConnInfo) Extract(c *tako.Context) error {
	i.ConnInfo = c.ConnInfo()
	return nil
}

// Describe records nothing: a connection is no input.
func (i *ConnInfo) Describe(*tako.Operation, string) {}
