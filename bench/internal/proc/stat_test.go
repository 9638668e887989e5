package proc

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	rest := " S 17 42 42 0 -1 4194560 100 200 0 0 150 25 7 3 20 0 4 0 999 1000 300 18446744073709551615\n"
	want := stat{
		parent: 17,
		user:   1500 * time.Millisecond, system: 250 * time.Millisecond,
		childUser: 70 * time.Millisecond, childSystem: 30 * time.Millisecond,
	}
	for _, name := range []string{"server", "a b", "a) S (b"} {
		got, err := parseStat([]byte("42 (" + name + ")" + rest))
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", name, got, err, want)
		}
	}
}

func TestParseStatRejects(t *testing.T) {
	for _, text := range []string{"", "42 (server", "42 (server) S 17", "42 (s) S x 42 42 0 -1 0 1 2 0 0 1 2 3 4 20 0\n"} {
		if got, err := parseStat([]byte(text)); err == nil {
			t.Errorf("parsed %q as %+v", text, got)
		}
	}
}

func TestParseBusy(t *testing.T) {
	got, err := parseBusy("cpu  100 20 30 90000 4000 5 6 700 80 9\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
	want := 1610 * time.Millisecond // 100+20+30+5+6 ticks
	if err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, text := range []string{"", "cpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2 3\n", "cpu 1 2 x 4 5 6 7 8\n"} {
		if got, err := parseBusy(text); err == nil {
			t.Errorf("parsed %q as %v", text, got)
		}
	}
}

func TestParseField(t *testing.T) {
	got, err := parseField("Name:\tserver\nVmPeak:\t  999 kB\nVmHWM:\t    1024 kB\nVmRSS:\t 512 kB\n", "VmHWM")
	if err != nil || got != 1<<20 {
		t.Errorf("got %d, %v, want %d", got, err, 1<<20)
	}
	for _, text := range []string{"", "VmHWM:\tmuch\n"} {
		if got, err := parseField(text, "VmHWM"); err == nil {
			t.Errorf("parsed %q as %d", text, got)
		}
	}
}

func TestDescendants(t *testing.T) {
	all := map[int]stat{1: {}, 10: {parent: 1}, 11: {parent: 10}, 12: {parent: 11}, 20: {parent: 1}}
	got := slices.Sorted(maps.Keys(descendants(all, 10)))
	if want := []int{10, 11, 12}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadOwnUsage(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc on this system")
	}
	before, err := ReadUsage(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var used Usage
	for end := time.Now().Add(20 * time.Second); (used.User <= 0 || used.Machine <= 0) && time.Now().Before(end); {
		for round := time.Now().Add(100 * time.Millisecond); time.Now().Before(round); {
		}
		after, err := ReadUsage(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		used = after.Since(before)
	}
	if used.User <= 0 || used.Machine <= 0 {
		t.Errorf("after busy tenths of a second: got %+v", used)
	}
	if peak, err := ReadPeak(os.Getpid()); err != nil || peak < 1<<20 {
		t.Errorf("peak: got %d, %v", peak, err)
	}
	memory, err := ReadMemory(os.Getpid())
	if err != nil || memory.RSS < memory.Anonymous || memory.PSS <= 0 || memory.Anonymous <= 0 {
		t.Errorf("memory: got %+v, %v", memory, err)
	}
}
