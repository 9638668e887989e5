// Package udp serves datagrams, of UDP and of Unix sockets. [New] makes a server that calls
// a [Handler] for each of them, with the same start, drain and report as servers of HTTP.
//
// A datagram is read into a buffer, waits in a queue of bounded length, and is served by one
// of a bounded number of workers. When the queue is full, later datagrams are dropped and
// counted: a flood costs neither memory nor goroutines. Nothing is allocated for a datagram
// of UDP. The datagrams of one sender are served side by side, so also out of order; with
// Workers: 1 they are served as they came.
package udp
