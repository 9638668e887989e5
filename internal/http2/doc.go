// Package http2 is the server side of HTTP/2 (RFC 9113) without input and output:
// bytes go in, requests and bytes come out. It has no goroutines, no locks and no
// clock; whoever drives a [Conn] brings the time and sees to it that nobody else
// uses it at the same moment.
//
// Everything a client may make it keep is bounded by [Config]: at most Streams
// streams, for each of which Window bytes of a request and SendBuffer bytes of a response
// wait, and MaxWindow bytes for the connection together.
package http2
