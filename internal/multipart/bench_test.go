package multipart

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"
)

const benchBoundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW"

func benchBody(parts int, body []byte) []byte {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(benchBoundary)
	for range parts {
		p, _ := w.CreateFormFile("file", "x.bin")
		_, _ = p.Write(body)
	}
	_ = w.Close()
	return b.Bytes()
}

// bytesOnly hides the methods of a reader that a connection does not have.
type bytesOnly struct{ io.Reader }

func BenchmarkReader(b *testing.B) {
	lines := []byte(strings.Repeat("a line of text that ends as lines do\r\n", 64<<10)) // 2.4 MiB
	big := bytes.Repeat([]byte("0123456789abcdef"), 100<<16)                            // 100 MiB
	for _, bench := range []struct {
		name string
		body []byte
	}{{"100MiB", benchBody(1, big)}, {"lines", benchBody(1, lines)}, {"100parts", benchBody(100, []byte("small"))}} {
		b.Run(bench.name+"/ours", func(b *testing.B) {
			b.SetBytes(int64(len(bench.body)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := NewReader(bytesOnly{bytes.NewReader(bench.body)}, benchBoundary, Limits{1000, 8 << 10, 20})
				if err != nil {
					b.Fatal(err)
				}
				for {
					p, err := r.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, p)
				}
				r.Close()
			}
		})
		b.Run(bench.name+"/mime", func(b *testing.B) {
			b.SetBytes(int64(len(bench.body)))
			b.ReportAllocs()
			for b.Loop() {
				r := multipart.NewReader(bytesOnly{bytes.NewReader(bench.body)}, benchBoundary)
				for {
					p, err := r.NextRawPart()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					_ = p.FormName()
					_, _ = io.Copy(io.Discard, p)
				}
			}
		})
	}
}
