package main

import (
	"bytes"
	"context"

	"github.com/tako-go/tako/transport/udp"
)

// Senders of datagrams can be forged, so what others may have sent to them is bounded in size
// and in number.
const (
	maxAnswer = 1000 // bytes, which fit into a packet of any network
	askRate   = 50   // a second, of one sender
	askBurst  = 100
)

// serveDatagram answers one question by one datagram.
func (s *service) serveDatagram(_ context.Context, p *udp.Packet) error {
	if p.Truncated {
		return udp.ErrRefused
	}
	_, err := p.Reply(shorten(s.ask(string(p.Data)), maxAnswer))
	return err
}

// shorten leaves out lines at the end of a long answer.
func shorten(answer []byte, most int) []byte {
	const rest = "no: the rest is too long, ask over TCP\n"
	if len(answer) <= most {
		return answer
	}
	answer = answer[:most-len(rest)]
	return append(answer[:bytes.LastIndexByte(answer, '\n')+1], rest...)
}
