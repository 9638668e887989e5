// Package middleware holds the middleware that needs the standard library only.
// Each is a function that returns a [tako.Middleware], configured by one required
// argument or a Config whose zero value works. None wraps the response writer, so
// streaming, flushing and taking over the connection work through all of them.
//
// The usual order, outermost first: [RequestID], [AccessLog], [Recover],
// [SecurityHeaders], then what may refuse a request, then [Timeout].
package middleware
