// Package http2serve serves an app over HTTP/2: it makes a [tako.Exchange] of each
// stream of a connection, and drives connections that have a goroutine. Event loops
// drive theirs themselves and use the same exchanges.
package http2serve
