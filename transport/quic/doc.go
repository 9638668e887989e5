// Package quic serves raw QUIC (RFC 9000): connections of a protocol of one's own, which clients name
// in the handshake by ALPN, with streams both ways, streams one way, and datagrams (RFC 9221). It
// is neither HTTP/3, which transport/h3 serves, nor WebTransport, which browsers speak and
// stream/webtransport serves: browsers cannot connect.
//
//	server := quic.New(echo, quic.Config{Addr: ":9000", Certs: certs, Protocols: []string{"echo/1"}})
//
// A drain tells handlers by [Conn.Draining], and waits for them until its time is over. It stands on
// quic-go, of which nothing shows in this API. Early data (0-RTT) is refused.
package quic
