// Package wsframe is the WebSocket protocol (RFC 6455) with permessage-deflate (RFC 7692)
// behind its handshake: bytes in, events and bytes out. It knows no connection, no goroutine
// and no clock, and serves both ends. A [Receiver] takes what the peer has sent, a [Sender]
// frames what goes to it, and a [Prepared] message is framed once for many peers.
//
// A driver gives each read to the Receiver until that wants more:
//
//	for {
//		ev, rest, err := r.Next(p)
//		if err != nil {
//			out = s.AppendClose(out, wsframe.CloseCodeOf(err), "")
//			break
//		}
//		if ev.Kind == wsframe.More {
//			break
//		}
//		p = rest
//		switch ev.Kind {
//		case wsframe.Message:
//			out = s.AppendMessage(out, ev.Op, ev.Data)
//		case wsframe.Ping:
//			out = s.AppendControl(out, wsframe.OpPong, ev.Data)
//		case wsframe.Closed:
//			out = s.AppendClose(out, ev.Code, "")
//		}
//	}
//
// A message that lies whole in what was read is unmasked there and handed out as it lies,
// without an allocation. Receiver and Sender are small, made to be embedded by value, and hold
// no buffer between messages; with context takeover they keep the windows it needs from the
// first compressed message on.
package wsframe
