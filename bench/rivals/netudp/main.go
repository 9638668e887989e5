// Command netudp sends back datagrams, in one loop over package net.
package main

import "github.com/tako-go/tako/bench/rivals/internal/boot"

func main() {
	conn := boot.ListenPacket()
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			boot.Fail(err)
		}
		if _, err := conn.WriteToUDPAddrPort(buf[:n], from); err != nil {
			boot.Fail(err)
		}
	}
}
