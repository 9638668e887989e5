//go:build !race

package http2

import "testing"

// TestAllocations demands that no memory is asked for where every request passes.
func TestAllocations(t *testing.T) {
	small, browser := newLoad(t, 0, smallGet...), newLoad(t, 0, browserGet...)
	post, upload := newLoad(t, 1000, smallPost...), newLoad(t, 4<<10, smallPost[:4]...)
	download := newLoad(t, 0, smallGet...)
	download.body = make([]byte, 48<<10)
	ping := appendPing(nil, 0, []byte("12345678"))
	window := appendWindowUpdate(nil, 0, 1)
	tests := []struct {
		name string
		load *load
		do   func()
	}{
		{"small", small, small.serve},
		{"browser", browser, browser.serve},
		{"post", post, post.serve},
		{"upload", upload, upload.serve},
		{"download", download, download.serve},
		{"control frames", small, func() {
			c := &small.conn
			c.controls.left = 10
			c.Receive(ping, 1)
			c.Receive(window, 1)
			small.out = c.Take(small.out)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for range 50 {
				test.do()
			}
			if n := testing.AllocsPerRun(1000, test.do); n != 0 {
				t.Errorf("%v allocations", n)
			}
			if test.load.bad || test.load.conn.Err() != nil {
				t.Error("not served: ", test.load.conn.Err())
			}
		})
	}
}
