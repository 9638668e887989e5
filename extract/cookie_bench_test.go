package extract

import (
	"testing"
	"time"
)

func BenchmarkSealedCookie(b *testing.B) {
	ring := newRing(b, "k")
	now := time.Now()
	for name, s := range sealers {
		v := sealedValue{"0123456789abcdef", now.Unix() + 60}
		text, err := encodeSealed(s, ring, "session", v)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/encode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = encodeSealed(s, ring, "session", v)
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := decodeSealed(s, ring, "session", text, now); !ok {
					b.Fatal("absent")
				}
			}
		})
	}
}
