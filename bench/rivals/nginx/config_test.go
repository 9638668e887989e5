package main

import (
	"strings"
	"testing"
)

func TestConfigText(t *testing.T) {
	const addr = "127.0.0.1:4711"
	for _, tt := range []struct {
		h2c          bool
		pair, listen string
		secure       bool
	}{
		{false, "", "listen " + addr + ";", false},
		{true, "", "listen " + addr + " http2;", false},
		{false, "/p.pem", "listen " + addr + " ssl http2;", true},
	} {
		text := configText("/dir", addr, 3, tt.h2c, tt.pair, "/files")
		if !strings.Contains(text, tt.listen) || !strings.Contains(text, "worker_processes 3;") ||
			!strings.Contains(text, "location /static/ { alias /files/; }") {
			t.Errorf("no %q in %s", tt.listen, text)
		}
		if got := strings.Contains(text, "ssl_certificate /p.pem; ssl_certificate_key /p.pem;"); got != tt.secure {
			t.Errorf("%s: TLS %v", tt.listen, got)
		}
	}
}
