package main

import (
	"bytes"
	stdjson "encoding/json"
	"reflect"
	"testing"
	"time"
)

func BenchmarkDecode(b *testing.B) {
	for _, doc := range documents {
		for _, r := range decoding(doc) {
			b.Run("doc="+doc.name+"/lib="+r.library, r.bench)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, doc := range documents {
		for _, r := range encoding(doc) {
			b.Run("doc="+doc.name+"/lib="+r.library, r.bench)
		}
	}
}

func (r *row) bench(b *testing.B) {
	b.SetBytes(int64(r.size))
	b.ReportAllocs()
	start := cpuTime()
	for b.Loop() {
		if err := r.run(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op")
}

// The libraries are compared at work that is the same.
func TestSameWork(t *testing.T) {
	for _, doc := range documents {
		text := Text(doc.value)
		for _, lib := range libraries {
			v := doc.blank()
			if err := lib.decode(text, v); err != nil || !reflect.DeepEqual(v, doc.value) {
				t.Errorf("%s: %s decodes another value: %v", doc.name, lib.name, err)
			}
			var w bytes.Buffer
			v = doc.blank()
			if err := lib.encode(&w, doc.value); err != nil || stdjson.Unmarshal(w.Bytes(), v) != nil || !reflect.DeepEqual(v, doc.value) {
				t.Errorf("%s: %s encodes another value: %v", doc.name, lib.name, err)
			}
		}
	}
}

func TestMeasure(t *testing.T) {
	rows, err := measure(1, time.Microsecond)
	if err != nil || len(rows) != 2*len(documents)*len(libraries) || len(table(rows).Markdown()) != len(rows)+2 {
		t.Errorf("got %d rows, %v", len(rows), err)
	}
}
