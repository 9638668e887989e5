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
//	H1  HTTP/1.1 parsing and framing (RFC 9112)
//	RT  routing, redirects, timeouts of handlers
//	EX  inputs, bodies, the identity of clients
//	SD  start and shutdown
//
// Cases run at the same time and never sleep: they wait for what happens, with
// limits set short and bounds ten times as long.
package runtimetest
