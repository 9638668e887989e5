package ws

import (
	"testing"
	"unsafe"
)

// An idle socket is this and what its stream has.
func TestConnSize(t *testing.T) {
	t.Logf("%d bytes", unsafe.Sizeof(Conn{}))
	if n := unsafe.Sizeof(Conn{}); n > 512 {
		t.Errorf("a Conn has %d bytes", n)
	}
}
