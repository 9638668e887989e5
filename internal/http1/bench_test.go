package http1

import (
	"strings"
	"testing"
	"time"
)

// smallGet is what a load generator sends.
const smallGet = "GET /plaintext HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"

// browserGet is what a browser sends.
const browserGet = "GET /users/42/orders?limit=20&sort=-created HTTP/1.1\r\n" +
	"Host: shop.example.com\r\n" +
	"Connection: keep-alive\r\n" +
	"sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"\r\n" +
	"sec-ch-ua-mobile: ?0\r\n" +
	"sec-ch-ua-platform: \"Linux\"\r\n" +
	"Upgrade-Insecure-Requests: 1\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r\n" +
	"Sec-Fetch-Site: same-origin\r\n" +
	"Sec-Fetch-Mode: navigate\r\n" +
	"Sec-Fetch-Dest: document\r\n" +
	"Referer: https://shop.example.com/users/42\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en-US;q=0.9,en;q=0.8\r\n" +
	"Cookie: session=7f3d0c1b9a8e4f62b5d1c0a99e8f7a6b; theme=dark; consent=1\r\n\r\n"

func BenchmarkParse(b *testing.B) {
	for _, bench := range []struct{ name, text string }{
		{"small", smallGet},
		{"browser", browserGet},
		{"post", "POST /form HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\nContent-Length: 1234\r\n\r\n"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			text := []byte(bench.text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var r Request
			for b.Loop() {
				if done, err := r.Parse(text, &wide); !done || err != nil {
					b.Fatal(done, err)
				}
			}
		})
	}
}

func BenchmarkChunked(b *testing.B) {
	for _, bench := range []struct {
		name string
		text []byte
	}{
		{"small", []byte(chunks(64, 16, ""))},
		{"large", []byte(chunks(8, 32<<10, ""))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			b.ReportAllocs()
			for b.Loop() {
				d := Chunked{Limits: wide}
				for at := 0; !d.Done(); {
					_, used, err := d.Next(bench.text[at:])
					if err != nil {
						b.Fatal(err)
					}
					at += used
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	buf := make([]byte, 0, 1024)
	now := time.Unix(1_700_000_000, 0)
	b.ReportAllocs()
	for b.Loop() {
		buf = appendHead(buf[:0], now)
	}
}

// appendHead writes the head of a usual response.
func appendHead(b []byte, now time.Time) []byte {
	b = AppendDate(AppendStatus(b, 200), now)
	b = AppendField(b, "Content-Type", "text/plain; charset=utf-8")
	b = AppendLength(b, 13)
	return append(b, ChunkEnd...)
}

// BenchmarkDripped is a head that comes byte by byte, which is read from its
// beginning each time.
func BenchmarkDripped(b *testing.B) {
	text := []byte(plainLine + plainHost + strings.Repeat("X-Some: "+strings.Repeat("v", 700)+"\r\n", 80) + "\r\n")
	b.ReportMetric(float64(len(text)), "bytes")
	for b.Loop() {
		var r Request
		for n := range text {
			if done, err := r.Parse(text[:n], &wide); done || err != nil {
				b.Fatal(done, err)
			}
		}
	}
}
