// Package runtimetest is the behaviour suite that every runtime and protocol has
// to pass. [Run] talks to a server over real sockets and raw bytes and asks what
// nobody may get wrong: where a request ends, who is closed when, what a drain
// does. [RunFaults] turns the suite on itself: it breaks the set-up of each case
// in a way that the case forbids and fails if the case does not notice.
//
// A case is a row of a table: its id, a small function on [T], and the faults it
// has to notice. Ids are those of the catalogue the cases come from; the part
// behind the slash names one aspect, and skip lists work on it:
//
//	CN  connections: limits, timeouts, clients that leave
//	TL  TLS: handshakes, certificates, client certificates
//	PP  PROXY headers: who may send them, when, and what is told of clients
//	H1  HTTP/1.1 parsing and framing (RFC 9112)
//	H2  HTTP/2 strictness and bounds (RFC 9113)
//	RT  routing, redirects, timeouts of handlers
//	EX  inputs, bodies, the identity of clients
//	CA  cookies, credentials, tokens
//	AD  the pages and the document of the API
//	SD  start and shutdown
//
// A run speaks one [Protocol]. Cases on behaviour are the same over all of them: they
// write requests and read responses as text of HTTP/1.1, which becomes streams where
// the run speaks HTTP/2 or HTTP/3. What is not run over them, and why, is in elsewhere
// and offQUIC; cases on frames speak for themselves. Of QUIC the suite knows nothing:
// the target dials, and the suite speaks HTTP/3 on the streams.
//
// Below the protocol is the [Carrier]: TCP, a Unix socket, or TCP of a balancer that
// sends a PROXY header. What is not run over one is in offCarrier.
//
// [CheckTable] keeps the table of features in the documentation true.
//
// Cases run at the same time and never sleep: they wait for what happens, with
// limits set short and bounds ten times as long.
package runtimetest
