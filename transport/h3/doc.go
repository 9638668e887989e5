// Package h3 serves HTTP/3 (RFC 9114) over QUIC (RFC 9000). [New] makes a server for an app,
// [Beside] one that serves the same as a server of HTTP/1.1 and HTTP/2, at the same port.
//
// It stands on quic-go, with handlers, extractors and middleware as on the other runtimes.
// Congestion control, pacing and the discovery of the packet size are that library's and
// cannot be chosen; neither can the table of QPACK, which it does without. Requests are
// scheduled by their priority (RFC 9218). Early data (0-RTT) is refused.
//
// On Linux raise net.core.rmem_max and wmem_max to 7500000, which is what the library asks for
// its buffers of the socket. Where it gets less it says so once by package log, unless the
// environment has QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING=true.
//
// # Limits
//
// They are those of [tako.Limits], with these differences:
//
//   - HeaderTimeout is from the handshake to the first request. The others may take as long as
//     IdleTimeout: a connection of which no request runs ends by that, whatever streams
//     are open.
//   - More connections than Conns are refused, as there is no queue for them. They count from
//     their first packet on, so their address may be false until handshakes take a quarter
//     of Conns, or of ConnsPerAddr: see Config.Retry.
//   - The address of a request is that which its client had when it began, also if the
//     client moves meanwhile. Limits count that of the handshake.
//   - A request whose head has more than about HeaderBytes is answered 431 before it is read.
//
// # What it does otherwise than the RFCs say
//
// quic-go reads frames and fields, and lets some faults pass. None of them makes a request out
// of what is none:
//
//   - PUSH_PROMISE of a client, settings of HTTP/2, and the end of a QPACK stream are ignored.
//   - A duplicate setting is H3_FRAME_ERROR, a setting that is cut H3_CLOSED_CRITICAL_STREAM.
//   - QPACK that cannot be decoded, and a head that is cut, reset their stream alone.
//   - Frames behind the trailers are an error of reading the body.
//   - A request without :scheme is served, if it has an authority.
//   - SETTINGS_ENABLE_CONNECT_PROTOCOL is always sent; without Config.ExtendedConnect such
//     requests are answered 501. A handler that answers one with 2xx as if it were a GET, and
//     not by Upgrade, has its response replaced by 405: it would open a tunnel.
//   - Requests beyond Config.Streams, and those of failed handlers, are reset with
//     H3_INTERNAL_ERROR.
//   - Streams that end before their head is read are charged to Config.Resets with the next
//     request, and unknown unidirectional ones never are, as the library tells of none of them.
//     If no request comes the connection ends by HeaderTimeout or IdleTimeout, but not while
//     one runs: then only Streams and UniStreams, at any one time, bound them.
//   - There is one GOAWAY, with the id behind the last request that has come, and none before that
//     with the largest id: see Drain.
//   - That content is as long as declared is found out by reading it; that there is none where
//     the length is 0 by what comes with the head. An empty content-length is as none.
//
// # Drain
//
// Clients are told by GOAWAY. Requests that cross it are rejected with H3_REQUEST_REJECTED, which
// says that they were not served, and may be sent elsewhere. So that there are few, a connection
// gets it when as many requests run on it as ever did, or after 80 ms at most; at once if it
// had none for a second. Where [tako.Run] has handed over, it may take 5 s for both.
//
// Most clients close their connection when they have what they asked for. Where one does not,
// the server does, and its program loses what it has not read by then: 0.5 s behind the last
// response, 1.2 s if that had more than 1000 bytes of content, and 5 s where another process
// serves. Connections without requests end within 0.1 s or a few round trips.
//
// With Config.WebTransport there is no GOAWAY, as the library of that gives no access to the
// control stream: later requests are rejected all the same.
//
// # Another process
//
// On Linux a server is a [tako.Yielder]: its successor reads the socket, and hands on what is
// for connections of those before it, up to 16 that have not ended yet. Each hears from the one
// that reads, so those between may end in any order. If all successors of one end before it
// does, it reads the socket again.
package h3
