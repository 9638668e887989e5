package main

import (
	"net"
	"testing"
	"time"
)

// answersDatagrams sends back what answer makes of each datagram, nothing if that is nil.
func answersDatagrams(t *testing.T, answer func(n int, p []byte) []byte) (addr string) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 2048)
		for n := 0; ; n++ {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if p := answer(n, buf[:size]); p != nil {
				_, _ = conn.WriteTo(p, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
	return conn.LocalAddr().String()
}

func TestDatagrams(t *testing.T) {
	addr := answersDatagrams(t, func(_ int, p []byte) []byte { return p })
	if err := checkEcho(t.Context(), "udp", addr); err != nil {
		t.Fatal(err)
	}
	got, err := runDatagrams(t.Context(), addr, 2, 4, 200*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests < 8 || (got.Requests+got.Lost)%4 != 0 || got.P99 < got.P50 || got.P50 <= 0 {
		t.Errorf("got %+v", got.counts)
	}
}

func TestDatagramsAreLost(t *testing.T) {
	addr := answersDatagrams(t, func(n int, p []byte) []byte {
		if n%4 == 3 {
			return nil
		}
		return p
	})
	got, err := runDatagrams(t.Context(), addr, 1, 4, lossPatience/2)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 3 || got.Lost != 1 {
		t.Errorf("got %d answers, %d lost, want 3 and 1", got.Requests, got.Lost)
	}
}

// A server that sends back something else takes no part.
func TestDatagramsRefuseOthers(t *testing.T) {
	for name, answer := range map[string]func(n int, p []byte) []byte{
		"short":        func(_ int, p []byte) []byte { return p[1:] },
		"never sent":   func(_ int, p []byte) []byte { p[0] ^= 0x80; return p },
		"more of them": func(_ int, p []byte) []byte { return append(p, 0) },
	} {
		addr := answersDatagrams(t, answer)
		if _, err := runDatagrams(t.Context(), addr, 1, 4, time.Minute); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
