// Command netecho sends back what it receives, with a goroutine for each connection
// over package net.
package main

import (
	"net"

	"github.com/tako-go/tako/bench/rivals/internal/boot"
)

func main() {
	ln := boot.Listen()
	for {
		conn, err := ln.Accept()
		if err != nil {
			boot.Fail(err)
		}
		go echo(conn)
	}
}

// echo does not leave it to io.Copy, which would splice: messages are short.
func echo(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		if _, err := conn.Write(buf[:n]); err != nil {
			return
		}
	}
}
