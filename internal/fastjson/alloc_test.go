//go:build !race

package fastjson

import (
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestAllocations(t *testing.T) {
	buf := make([]byte, 0, 256)
	body := []byte(`{"id":7,"name":"octopus","email":"octopus@example.com"}`)
	numbers := []byte(`{"id":7,"name":""}`)
	long := []byte(`{"name":"` + strings.Repeat("x", shortText+1) + `","email":"octopus@example.com"}`)
	list := []byte(`{"l":["a","b","c","d"],"ps":{"x":1}}`)
	when := []byte(`{"id":7,"made":"2026-01-02T03:04:05.678901234Z"}`)
	var u user
	var all everything
	var b base
	for _, tt := range []struct {
		name string
		want float64
		f    func()
	}{
		{"strings share", 0, func() { u = user{}; taken(body, &u) }},
		{"long strings", 1, func() { u = user{}; taken(long, &u) }},
		{"numbers", 0, func() { u = user{}; taken(numbers, &u) }},
		{"list and pointer", 2, func() { all = everything{}; taken(list, &all) }},
		{"time", 0, func() { b = base{}; taken(when, &b) }},
		{"append", 0, func() { buf, _ = Append(buf[:0], &u) }},
	} {
		assert.Equal(t, testing.AllocsPerRun(100, tt.f), tt.want, tt.name)
	}
}
