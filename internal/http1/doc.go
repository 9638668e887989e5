// Package http1 reads and writes HTTP/1.1 messages (RFC 9112) in memory that the
// caller owns: no socket, no goroutine and no clock. [Request.Parse] reads the head
// of a request in place, [Chunked] the chunked coding, and the Append functions
// write responses.
//
// It is strict: whatever leaves a doubt where a message ends, or what a name or
// value is, is an [Error] with the status to answer, after which the connection
// has to be closed.
package http1
