//go:build !race

package jsonscan

import "testing"

func TestCheckAllocations(t *testing.T) {
	text := []byte(`{"id":7,"name":"octopus","tags":["a","ä\n"],"of":{"\u0061":1.5,"b":null}}`)
	got := testing.AllocsPerRun(100, func() { _ = Check(text, usual) })
	if got > 0.1 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
