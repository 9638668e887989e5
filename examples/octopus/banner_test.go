package main

import (
	"net"
	"testing"
)

func TestReachable(t *testing.T) {
	tests := []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{Port: 8080}, "localhost:8080"},
		{&net.TCPAddr{IP: net.IPv6zero, Port: 80}, "localhost:80"},
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 80}, "192.0.2.7:80"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 80}, "[::1]:80"},
		{&net.UnixAddr{Name: "/run/reef", Net: "unix"}, "/run/reef"},
	}
	for _, tt := range tests {
		if got := reachable(tt.addr); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.addr, got, tt.want)
		}
	}
}
