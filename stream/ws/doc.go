// Package ws is WebSocket (RFC 6455), server and client, with permessage-deflate (RFC 7692),
// over HTTP/1.1, over HTTP/2 (RFC 8441) and over HTTP/3 (RFC 9220).
//
// A socket has one of two forms. [Events] are told what arrives: on the loop runtime such a
// socket stays on its event loop, and has neither a goroutine nor a buffer while it is idle.
// [Handler] and [Accept] give a [Conn] that is read in a loop, as does [Dial] on the side of
// clients. Both send with [Conn.Send], which never waits, and [Conn.Write]. [JSON] and
// [ReadJSON] are for messages with a type, a [Hub] for those that go to many, and a [Meter]
// counts.
//
// Pages of other origins are refused, messages are bounded by 256 KiB, dead peers are found
// by pings, and slow ones are bounded by a queue, all unless [Config] says otherwise. A
// shutdown of the server closes sockets with 1001.
package ws
