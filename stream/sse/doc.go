// Package sse sends server-sent events, which browsers read by EventSource (WHATWG HTML, section
// 9.2), over every version of HTTP.
//
// A typed handler returns a [Stream] of an iterator or a channel; a raw handler opens a [Writer];
// a [Hub] sends what is published to all who have subscribed to a topic, and can replay what a
// client has missed. [Uploads] tells how far uploads are that other requests make.
//
// The head is sent at once, with Cache-Control: no-store, and each event as soon as it is there.
// A stream ends without an error when its source does or the server drains: clients connect again.
// To keep one from it answer its next request with 204 (No Content).
package sse
