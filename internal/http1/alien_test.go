package http1

import "testing"

func TestAlien(t *testing.T) {
	for line, want := range map[string]bool{
		"INVALID CONNECTION PREFACE\r\n\r\n": true,
		"INVALID CONNECTION PREFACE":         false, // not ended
		"GET /\r\n":                          false,
		"GET / HTTP/1.1\r\n":                 false,
		"GET / FTP/1.1\r\n":                  false,
		"GET x HTTP/1.1\r\n":                 false,
		"CONNECT a:1 X\r\n":                  false,
		"OPTIONS * X\r\n":                    false,
		"\r\n":                               false,
		" INVALID X Y\r\n":                   false,
		"a  b\r\n":                           false,
		"a b c\n":                            true,
	} {
		if got := Alien([]byte(line)); got != want {
			t.Errorf("Alien(%q) = %v", line, got)
		}
	}
}
