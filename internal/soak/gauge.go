package soak

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// gauge is what a process uses. What the system does not tell is 0.
type gauge struct {
	goroutines, descriptors, threads int
	// rings are mappings without a file, such as the queues of io_uring.
	rings int
	// heap is live memory in bytes, resident and peak are those of the process.
	heap, resident, peak int64
}

func (g gauge) String() string {
	return fmt.Sprintf("%d goroutines, %d descriptors, %d threads, %d rings, heap %d KiB, resident %d KiB",
		g.goroutines, g.descriptors, g.threads, g.rings, g.heap>>10, g.resident>>10)
}

func measure() gauge {
	debug.FreeOSMemory() // collects twice, as pools keep what they hold over one collection
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	g := counted()
	g.heap = int64(m.HeapAlloc + m.StackInuse)
	status, _ := os.ReadFile("/proc/self/status")
	g.threads = int(statusField(status, "Threads:"))
	g.resident = statusField(status, "VmRSS:") << 10
	g.peak = statusField(status, "VmHWM:") << 10
	return g
}

// counted is the part of measure that costs little.
func counted() gauge {
	g := gauge{goroutines: runtime.NumGoroutine()}
	if names, err := os.ReadDir("/proc/self/fd"); err == nil {
		g.descriptors = len(names) - 1 // that of the folder
	}
	maps, _ := os.ReadFile("/proc/self/maps")
	g.rings = bytes.Count(maps, []byte("anon_inode:"))
	return g
}

func statusField(status []byte, name string) int64 {
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	return 0
}

// settle opens a socket, for what the language's own poller keeps from then on.
func settle() {
	if ln, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		_ = ln.Close()
	}
}

// What may be more than after the first rotation. It is the same for all of them.
const (
	heapRoom     = 4 << 20
	residentRoom = 64 << 20
	threadRoom   = 48
)

// returned looks whether a rotation has given everything back.
func (rec *record) returned(start gauge, wait time.Duration) {
	for limit := time.Now().Add(wait); ; {
		g := counted()
		if g.goroutines <= start.goroutines && g.descriptors <= start.descriptors && g.rings <= start.rings {
			break
		}
		if time.Now().After(limit) {
			rec.fail("leak", "%v, there were %v before\n%s", g, start, stacks())
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	g := measure()
	rec.mu.Lock()
	rec.peak = max(rec.peak, g.peak)
	first := rec.heap == 0
	if first {
		rec.heap, rec.mapped = g.heap, g.resident
	}
	heap, resident := rec.heap, rec.mapped
	rec.mu.Unlock()
	if g.heap > heap+heapRoom || !raced && g.resident > resident+residentRoom {
		rec.fail("memory", "%v, after the first rotation it was heap %d KiB, resident %d KiB", g, heap>>10, resident>>10)
	}
	if start.threads > 0 && g.threads > start.threads+threadRoom {
		rec.fail("threads", "%v, there were %v before", g, start)
	}
	rec.Logf("%s, rotation %d: %v", rec.name, rec.rows, g)
}

// stacks returns what all goroutines are at, in parts.
func stacks() string {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	return string(buf[:min(len(buf), 24<<10)])
}
