// Package wire is the protocols that servers are measured over: what a server is told
// to speak, one certificate for all of them, and clients that accept nothing else.
package wire
