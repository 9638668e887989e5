package fastjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

var benchCases = []struct {
	name string
	make func() any
	data string
}{
	{"user", func() any { return new(user) }, `{"id":7,"name":"octopus","email":"octopus@example.com"}`},
	{"list", func() any { return new([]user) }, `[` + strings.Repeat(`{"id":7,"name":"octopus","email":"octopus@example.com"},`, 99) + `{"id":1}]`},
	{"text", func() any { return new(user) }, `{"id":7,"name":"` + strings.Repeat("eight arms ", 400) + `"}`},
	{"foreign", func() any { return new(user) }, `{"id":7,"name":"` + strings.Repeat("восемь рук ", 200) + `"}`},
	{"floats", func() any { return new([]point) }, `[` + strings.Repeat(`{"x":12345,"y":0.12345678},`, 99) + `{}]`},
}

func BenchmarkUnmarshal(b *testing.B) {
	for _, tt := range benchCases {
		data := []byte(tt.data)
		b.Run(tt.name+"/fast", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if ok, _ := Unmarshal(data, tt.make(), safe); !ok {
					b.Fatal("refused")
				}
			}
		})
		b.Run(tt.name+"/std", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := json.Unmarshal(data, tt.make()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	for _, tt := range benchCases {
		v := tt.make()
		if err := json.Unmarshal([]byte(tt.data), v); err != nil {
			b.Fatal(err)
		}
		b.Run(tt.name+"/fast", func(b *testing.B) {
			b.SetBytes(int64(len(tt.data)))
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				buf, _ = Append(buf[:0], v)
			}
		})
		b.Run(tt.name+"/std", func(b *testing.B) {
			b.SetBytes(int64(len(tt.data)))
			b.ReportAllocs()
			var buf bytes.Buffer
			e := json.NewEncoder(&buf)
			e.SetEscapeHTML(false)
			for b.Loop() {
				buf.Reset()
				if err := e.Encode(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
