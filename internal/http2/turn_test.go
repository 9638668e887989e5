package http2

import (
	"strings"
	"testing"
	"time"
)

// A client takes 160 KiB a second, all the time, with the usual window of the connection.
// Twenty streams take turns: that each gets little is not the client's fault.
func TestTurnIsNotAStall(t *testing.T) {
	p := connect(t, func(c *Config) { c.WriteTimeout, c.Streams = 3*time.Second, 100 })
	var all []*Stream
	for i := range 20 {
		id := uint32(2*i + 1)
		all = append(all, p.get(id))
		p.do(p.w.WriteWindowUpdate(id, 1<<30)) // streams may send what they like
		_ = all[i].Head(200, nil, -1, "")
	}
	big := make([]byte, 64<<10)
	for i := range 80 {
		p.clock += 100
		p.do(p.w.WriteWindowUpdate(0, 16<<10))
		for _, s := range all {
			_, _ = s.Write(big)
		}
		for _, f := range p.frames() {
			if strings.HasPrefix(f, "RST_STREAM") {
				t.Fatalf("after %d ms: %s", (i+1)*100, f)
			}
		}
		p.Tick(p.clock)
	}
}
