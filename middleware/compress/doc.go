// Package compress codes what a server sends and decodes what it gets: gzip, deflate, br and
// zstd (RFC 9110, section 8.4).
//
// [Responses] compresses responses while they are written, for clients that ask for it. What
// handlers flush reaches the client at once. [Requests] decompresses request bodies, of which
// the body limit then bounds the decoded size.
package compress
