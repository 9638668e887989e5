//go:build unix

package acceptq

import (
	"errors"
	"io"
	"net"
	"testing"
)

func TestNext(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := Next(ln); !errors.Is(err, ErrEmpty) {
		t.Fatalf("empty queue: %v", err)
	}
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got, err := Next(ln)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := got.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	got.Close()
	if b, err := io.ReadAll(client); string(b) != "hi" || err != nil {
		t.Fatalf("client read %q, %v", b, err)
	}
	if _, err := Next(ln); !errors.Is(err, ErrEmpty) {
		t.Fatalf("queue not empty: %v", err)
	}
}

func TestNextWithoutSocket(t *testing.T) {
	if _, err := Next(struct{ net.Listener }{}); !errors.Is(err, ErrEmpty) {
		t.Fatal(err)
	}
}
