package connlimit

import (
	"net"
	"testing"
)

func addr(s string) net.Addr {
	a, err := net.ResolveTCPAddr("tcp", s)
	if err != nil {
		panic(err)
	}
	return a
}

func TestPerAddress(t *testing.T) {
	c := New(3, 2)
	admit := func(s string) *Slot {
		if !c.Try() {
			t.Fatalf("no slot for %s", s)
		}
		return c.Admit(addr(s))
	}
	a, b := admit("[2001:db8::1]:1"), admit("[2001:db8::2]:2")
	if a == nil || b == nil {
		t.Fatal("refused below the limit")
	}
	if admit("[2001:db8::3]:3") != nil {
		t.Fatal("third connection of a /64 admitted, limit is 2")
	}
	other := admit("[2001:db8:0:1::1]:1")
	if other == nil {
		t.Fatal("another /64 refused")
	}
	if c.Try() {
		t.Fatal("fourth slot of three")
	}
	a.Release()
	a.Release()
	if !c.Try() {
		t.Fatal("a released slot is not free")
	}
	if c.Try() {
		t.Fatal("one slot was given back twice")
	}
	c.Release()
	b.Release()
	other.Release()
	if len(c.addrs) != 0 {
		t.Fatalf("addresses left behind: %v", c.addrs)
	}
}

func TestKey(t *testing.T) {
	for in, want := range map[string]string{"192.0.2.1:5": "192.0.2.1", "[::ffff:192.0.2.1]:5": "192.0.2.1", "[2001:db8:1:2:3:4:5:6]:5": "2001:db8:1:2::"} {
		if got := Key(addr(in)).String(); got != want {
			t.Errorf("Key(%s) = %s, want %s", in, got, want)
		}
	}
	if Key(&net.UnixAddr{Name: "x"}).IsValid() {
		t.Error("a Unix address has a key")
	}
}

func TestWaitStops(t *testing.T) {
	c := New(1, -1)
	stop := make(chan struct{})
	if !c.Wait(stop) {
		t.Fatal("no first slot")
	}
	close(stop)
	if c.Wait(stop) {
		t.Fatal("a second slot of one")
	}
}
