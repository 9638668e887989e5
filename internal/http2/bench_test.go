package http2

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// reuse gives the memory of freed streams out again, without a check.
type reuse []*Stream

func (h *reuse) NewStream() *Stream {
	n := len(*h)
	if n == 0 {
		return new(Stream)
	}
	s := (*h)[n-1]
	*h = (*h)[:n-1]
	return s
}

func (h *reuse) Wake(*Stream) {}

func (h *reuse) Free(s *Stream) { *h = append(*h, s) }

// A load is a connection that is asked the same again and again.
type load struct {
	conn Conn
	cfg  Config
	free reuse
	out  []byte
	head fieldList
	body []byte
	in   []byte // frames whose stream ids are patched
	ids  []int  // where they are
	id   uint32
	buf  []byte
	bad  bool
}

// newLoad begins a connection with a first request, which fills the tables, and prepares
// what repeats it.
func newLoad(tb testing.TB, post int, fields ...string) *load {
	l := &load{cfg: usual(), body: []byte("Hello, World!"), buf: make([]byte, 32<<10), id: 1,
		head: fieldList{{"Content-Type", "text/plain"}, {"Server", "tako"}, {"Date", "Mon, 21 Oct 2013 20:13:21 GMT"}}}
	l.conn.Init(&l.cfg, &l.free, 1)
	in := append([]byte(Preface), appendFrameHeader(nil, 0, frameSettings, 0, 0)...)
	l.conn.Receive(append(in, appendFrameHeader(nil, 0, frameSettings, flagAck, 0)...), 1)
	var block strings.Builder
	enc := hpack.NewEncoder(&block)
	for range 2 {
		block.Reset()
		for _, f := range fields {
			name, value, _ := strings.Cut(f[1:], "=")
			_ = enc.WriteField(hpack.HeaderField{Name: f[:1] + name, Value: value})
		}
		l.in, l.ids = l.in[:0], l.ids[:0]
		flags := uint8(flagEndHeaders)
		if post == 0 {
			flags |= flagEndStream
		}
		l.add(frameHeaders, flags, []byte(block.String()))
		for left := post; left > 0; left -= maxFrame {
			flags := uint8(0)
			if left <= maxFrame {
				flags = flagEndStream
			}
			l.add(frameData, flags, make([]byte, min(left, maxFrame)))
		}
		l.serve()
	}
	for range 100 {
		l.serve()
	}
	if l.bad || l.conn.Err() != nil {
		tb.Fatal("not served: ", l.conn.Err())
	}
	return l
}

func (l *load) add(t frameType, flags uint8, payload []byte) {
	l.ids = append(l.ids, len(l.in)+5)
	l.in = append(appendFrameHeader(l.in, len(payload), t, flags, 0), payload...)
}

// serve serves a request from its bytes to those of the response.
func (l *load) serve() {
	for _, at := range l.ids {
		b := l.in[at:]
		b[0], b[1], b[2], b[3] = byte(l.id>>24), byte(l.id>>16), byte(l.id>>8), byte(l.id)
	}
	if l.id += 2; l.id > 1<<30 {
		l.id, l.conn.lastID = 1, 0
	}
	l.conn.sendWindow = 1 << 30
	used := l.conn.Receive(l.in, 1)
	s := l.conn.Next()
	if used != len(l.in) || s == nil {
		l.bad = true
		return
	}
	for !s.Complete() || s.Buffered() > 0 {
		if _, err := s.Read(l.buf); err == io.EOF {
			break
		}
	}
	_ = s.Head(200, &l.head, int64(len(l.body)), "")
	n, err := s.Write(l.body)
	s.End(nil)
	s.Release()
	l.out = l.conn.Take(l.out)
	l.bad = l.bad || n != len(l.body) || err != nil || len(l.out) == 0 || len(l.free) != 1
}

var (
	smallGet   = []string{":method=GET", ":scheme=http", ":authority=localhost:8080", ":path=/plaintext"}
	browserGet = append([]string{":method=GET", ":scheme=https", ":authority=shop.example.com", ":path=/users/42/orders?limit=20&sort=-created"},
		`sec-ch-ua="Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"`, "sec-ch-ua-mobile=?0", `sec-ch-ua-platform="Linux"`,
		"upgrade-insecure-requests=1", "user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
		"accept=text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8", "sec-fetch-site=same-origin",
		"sec-fetch-mode=navigate", "sec-fetch-dest=document", "referer=https://shop.example.com/users/42", "accept-encoding=gzip, deflate, br, zstd",
		"accept-language=en-GB,en-US;q=0.9,en;q=0.8", "cookie=session=7f3d0c1b9a8e4f62b5d1c0a99e8f7a6b; theme=dark; consent=1", "priority=u=0, i")
	smallPost = []string{":method=POST", ":scheme=http", ":authority=localhost:8080", ":path=/form", "content-length=1000"}
)

// BenchmarkServe serves requests end to end.
func BenchmarkServe(b *testing.B) {
	for _, bench := range []struct {
		name   string
		post   int
		body   int
		fields []string
	}{
		{"small", 0, 13, smallGet},
		{"browser", 0, 13, browserGet},
		{"post", 1000, 13, smallPost},
		{"upload", 48 << 10, 13, smallPost[:4]},
		{"download", 0, 48 << 10, smallGet},
	} {
		b.Run(bench.name, func(b *testing.B) {
			l := newLoad(b, bench.post, bench.fields...)
			l.body = make([]byte, bench.body)
			b.SetBytes(int64(bench.post + bench.body))
			b.ReportAllocs()
			for b.Loop() {
				l.serve()
			}
			if l.bad {
				b.Fatal("not served: ", l.conn.Err())
			}
		})
	}
}

// BenchmarkDecode decodes blocks that come for the first time, and one that is as costly as
// a client can make it.
func BenchmarkDecode(b *testing.B) {
	bench := func(name string, table int, block []byte) {
		b.Run(name, func(b *testing.B) {
			d := decoder{allowed: table}
			d.table.max = table
			b.SetBytes(int64(len(block)))
			b.ReportAllocs()
			for b.Loop() {
				if !d.decode(block, func(*entry) {}) {
					b.Fatal("malformed")
				}
			}
		})
	}
	var block strings.Builder
	enc := hpack.NewEncoder(&block)
	for _, f := range browserGet {
		name, value, _ := strings.Cut(f[1:], "=")
		_ = enc.WriteField(hpack.HeaderField{Name: f[:1] + name, Value: value})
	}
	bench("browser", defaultTable, []byte(block.String()))
	evicting := []byte(strings.Repeat("\x40\x00\x00", 80<<10))
	bench("evicting", defaultTable, evicting)
	bench("evicting 64k", 64<<10, evicting)
	bench("indexed", defaultTable, []byte(strings.Repeat("\x82", 256<<10)))
}

// BenchmarkSchedule sends from many streams in turns.
func BenchmarkSchedule(b *testing.B) {
	for _, n := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := newLoad(b, 0, smallGet...)
			l.cfg.Streams = n
			var streams []*Stream
			for range n {
				for _, at := range l.ids {
					v := l.in[at:]
					v[0], v[1], v[2], v[3] = byte(l.id>>24), byte(l.id>>16), byte(l.id>>8), byte(l.id)
				}
				l.id += 2
				l.conn.Receive(l.in, 1)
				s := l.conn.Next()
				_ = s.Head(200, nil, -1, "")
				streams = append(streams, s)
			}
			l.conn.sendWindow = 0
			piece := make([]byte, 1000)
			b.SetBytes(int64(n * len(piece)))
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range streams {
					s.outbound.window = 1 << 20
					_, _ = s.Write(piece)
				}
				for l.conn.sendWindow = 1 << 30; l.conn.Unsent(); {
					l.out = l.conn.Take(l.out)
				}
				l.conn.sendWindow = 0
			}
		})
	}
}
