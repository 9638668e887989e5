// Command gobwas is gobwas/ws as its own documentation uses it for speed: upgrades without
// net/http, frames read through a small buffer, and each answer in one write. It echoes.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"

	"github.com/gobwas/ws"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
)

// longest message in bytes.
const longest = 1 << 20

func main() {
	ln := boot.Listen()
	for {
		conn, err := ln.Accept()
		if err != nil {
			boot.Fail(err)
		}
		go serve(conn)
	}
}

func serve(conn net.Conn) {
	defer conn.Close()
	if _, err := (ws.Upgrader{}).Upgrade(conn); err != nil {
		return
	}
	_ = echo(conn)
}

// echo knows messages of one frame.
func echo(conn net.Conn) error {
	in := bufio.NewReader(conn)
	var payload, out []byte
	for {
		head, err := ws.ReadHeader(in)
		if err != nil {
			return err
		}
		if head.OpCode == ws.OpClose || !head.Fin || head.Length > longest {
			return fmt.Errorf("a frame that ends the connection")
		}
		if int64(cap(payload)) < head.Length {
			payload = make([]byte, head.Length)
			out = make([]byte, 0, head.Length+ws.MaxHeaderSize)
		}
		payload = payload[:head.Length]
		if _, err := io.ReadFull(in, payload); err != nil {
			return err
		}
		ws.Cipher(payload, head.Mask, 0)
		frame := frame{p: out[:0]}
		answer := ws.Header{Fin: true, OpCode: head.OpCode, Length: head.Length}
		if head.OpCode == ws.OpPing {
			answer.OpCode = ws.OpPong
		}
		if err := ws.WriteHeader(&frame, answer); err != nil {
			return err
		}
		if _, err := conn.Write(append(frame.p, payload...)); err != nil {
			return err
		}
	}
}

// frame collects what is written.
type frame struct{ p []byte }

func (f *frame) Write(p []byte) (int, error) {
	f.p = append(f.p, p...)
	return len(p), nil
}
