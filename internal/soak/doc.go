// Package soak loads a server with good and bad clients of HTTP/1.1 and HTTP/2 at the
// same time, hands its sockets from server to server and renews its certificates
// meanwhile, and looks after each rotation whether everything was given back: goroutines,
// descriptors, memory. [Run] does that for as long as it is told.
//
// Every good request has a number of its own, and a [ledger] that server and client
// write into: what a handler has begun must be answered, once, with what was asked
// for, also while servers come and go. So must be a stream that GOAWAY covers. A
// connection that ends without an answer is right only where HTTP lets a server do so
// and no handler has seen the request.
package soak
