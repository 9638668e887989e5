package main

import (
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestBody(t *testing.T) {
	if len(goodBody) != 58 {
		t.Errorf("the body has %d bytes, not 58", len(goodBody))
	}
}

// All contenders do the whole work: what is good is answered, and all that is bad
// is named at once.
func TestSameWork(t *testing.T) {
	for _, c := range contenders() {
		t.Run(c.name, func(t *testing.T) {
			s := new(users)
			good := c.ask(s, good)
			for range 3 {
				good.call()
			}
			status, body := good.answer()
			var want, got user
			_ = json.Unmarshal([]byte(goodAnswer), &want)
			if err := json.Unmarshal(body, &got); status != 200 || err != nil || got != want {
				t.Errorf("got %d %s (%v)", status, body, err)
			}
			if s.put != 3 {
				t.Errorf("query and header arrived %d times of 3", s.put)
			}
			for _, tt := range []struct {
				r     request
				named []string
			}{
				{request{"/users/0?q=x", `{"name":"","email":"nobody","age":151}`}, []string{"id", "name", "email", "age"}},
				{request{"/users/7?q=x", `{"name":"` + strings.Repeat("o", 101) + `","email":"o@sea.example","age":-1}`}, []string{"name", "age"}},
				{request{"/users/0?q=x", goodBody}, []string{"id"}},
				{request{"/users/x?q=x", goodBody}, []string{""}},
				{request{goodPath, `{"name":7}`}, []string{""}},
				{request{goodPath, `{"name":`}, []string{""}},
				{request{goodPath, ``}, []string{""}},
			} {
				s.put = 0
				bad := c.ask(s, tt.r)
				bad.call()
				status, body := bad.answer()
				if status < 400 || status > 499 || s.put != 0 {
					t.Errorf("%s %s: got %d %s", tt.r.target, tt.r.body, status, body)
				}
				for _, name := range tt.named {
					if !regexp.MustCompile(`\b` + name + `\b`).Match(body) {
						t.Errorf("%s %s: %d does not name %s: %s", tt.r.target, tt.r.body, status, name, body)
					}
				}
			}
		})
	}
}

func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(config{rounds: 1, requests: 10, only: "tako"}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "| tako-loop ") || strings.Contains(out.String(), "fiber") {
		t.Errorf("got %s", &out)
	}
}

func TestConfig(t *testing.T) {
	if _, err := parseConfig([]string{"-rounds", "0"}, io.Discard); err == nil {
		t.Error("no rounds are accepted")
	}
}

func BenchmarkPut(b *testing.B) {
	for _, c := range contenders() {
		b.Run("by="+c.name, func(b *testing.B) {
			caller := c.ask(new(users), good)
			b.ReportAllocs()
			start := cpuTime()
			for b.Loop() {
				caller.call()
			}
			b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op")
			if status, body := caller.answer(); status != 200 {
				b.Fatalf("got %d %s", status, body)
			}
		})
	}
}
