package wsframe

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// echoLoop is what a driver on an event loop does with what it has read.
func echoLoop(r *Receiver, s *Sender, out, p []byte) []byte {
	for {
		ev, rest, err := r.Next(p)
		if err != nil || ev.Kind == More {
			return out
		}
		if ev.Kind == Message {
			out = s.AppendMessage(out, ev.Op, ev.Data)
		}
		p = rest
	}
}

// BenchmarkEcho is one masked message in a read, or sixteen, and the answers.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{64, 1 << 10, 16 << 10} {
		for _, n := range []int{1, 16} {
			for _, op := range []Opcode{OpBinary, OpText} {
				b.Run(fmt.Sprintf("size=%d/frames=%d/op=%d", size, n, op), func(b *testing.B) {
					var r Receiver
					var s Sender
					r.Init(&Config{}, Deflate{})
					s.Init(&Config{}, Deflate{})
					frames := bytes.Repeat(AppendFrame(nil, Header{Fin: true, Op: op, Masked: true, Key: 0}, bytes.Repeat([]byte("a"), size)), n)
					out := make([]byte, 0, len(frames))
					b.SetBytes(int64(n * size))
					b.ReportAllocs()
					for b.Loop() {
						out = echoLoop(&r, &s, out[:0], frames)
					}
					if len(out) != n*(size+headerSize(size)) {
						b.Fatal(len(out))
					}
				})
			}
		}
	}
}

// headerSize is the length of the header of a server's frame.
func headerSize(n int) int { return len(AppendHeader(nil, Header{Length: int64(n)})) }

func BenchmarkEchoSplit(b *testing.B) {
	var r Receiver
	var s Sender
	r.Init(&Config{}, Deflate{})
	s.Init(&Config{}, Deflate{})
	frame := AppendFrame(nil, Header{Fin: true, Op: OpBinary, Masked: true}, make([]byte, 16<<10))
	var out []byte
	b.SetBytes(16 << 10)
	b.ReportAllocs()
	for b.Loop() {
		out = echoLoop(&r, &s, out[:0], frame[:4<<10])
		out = echoLoop(&r, &s, out, frame[4<<10:])
	}
}

func BenchmarkEchoDeflate(b *testing.B) {
	text := []byte(strings.Repeat(`{"id":17,"name":"user"},`, 40))
	for name, agreed := range map[string]Deflate{
		"takeover": {Agreed: true},
		"none":     {Agreed: true, ServerNoContext: true, ClientNoContext: true},
	} {
		b.Run(name, func(b *testing.B) {
			var c, s Sender
			var r Receiver
			c.Init(&Config{Client: true}, Deflate{Agreed: true, ClientNoContext: true})
			r.Init(&Config{}, agreed)
			s.Init(&Config{}, agreed)
			frame := c.AppendMessage(nil, OpText, text)
			in := make([]byte, len(frame))
			var out []byte
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				copy(in, frame)
				out = echoLoop(&r, &s, out[:0], in)
			}
			b.ReportMetric(float64(len(out)), "out")
		})
	}
}

func BenchmarkMask(b *testing.B) {
	for _, size := range []int{16, 64, 1 << 10, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			p := make([]byte, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				Mask(0x12345678, 0, p)
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	for name, s := range map[string]string{"ascii": "Hello, World! ", "greek": "κόσμε "} {
		p := []byte(strings.Repeat(s, 16<<10/len(s)))
		b.Run(name+"/pieces", func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				var t text
				if !t.next(p[:len(p)/2+1]) || !t.next(p[len(p)/2+1:]) {
					b.Fatal("not valid")
				}
			}
		})
		b.Run(name+"/whole", func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				if !utf8.Valid(p) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
