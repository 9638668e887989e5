// Package tcp serves raw streams: TCP, and through [Config.Listen] Unix sockets, vsock and
// sockets that were passed to the process. [New] makes a server of a [Handler], which gets a
// goroutine for each connection:
//
//	server := tcp.New(echo, tcp.Config{Addr: ":9000"}, tcp.Allow("10.0.0.0/8"), tcp.TLS(certs))
//
// What stands before the handler is a [Layer]: [Proxy], [TLS], [Allow], [Deny], [Limit],
// [PerAddress], [Log], or a [Middleware] of one's own. The first is outermost, and each sees
// the connection as those before it have left it: [Allow] behind [Proxy] judges the address of
// the client, before it that of the balancer.
//
// A drain tells handlers by [Conn.Draining], and waits for them. [Conn.Idle] is for those that
// wait for the next message of a client: the drain ends that wait, as it does for clients that
// never sent a byte.
package tcp
