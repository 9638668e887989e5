package authority

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct{ authority, host, port string }{
		{"example.com", "example.com", ""},
		{"example.com:80", "example.com", "80"},
		{"example.com:", "example.com", ""},
		{"example.com:0", "example.com", "0"},
		{"example.com:65535", "example.com", "65535"},
		{"example.com:00080", "example.com", "00080"},
		{"Example.COM", "example.com", ""},
		{"example.com.", "example.com", ""},
		{"example.com.:8080", "example.com", "8080"},
		{"localhost", "localhost", ""},
		{"a-b_c~d", "a-b_c~d", ""},
		{"a!$&'()*+,;=", "a!$&'()*+,;=", ""},
		{"127.0.0.1:1", "127.0.0.1", "1"},
		{"[::1]", "::1", ""},
		{"[::1]:443", "::1", "443"},
		{"[::1]:", "::1", ""},
		{"[2001:DB8::A]", "2001:db8::a", ""},
		{"[2001:0db8:0:0:0:0:0:a]:1", "2001:db8::a", "1"},
		{"[::ffff:1.2.3.4]", "::ffff:1.2.3.4", ""},
	}
	for _, tt := range tests {
		host, port, ok := Split(tt.authority)
		assert.Equal(t, ok, true, tt.authority)
		assert.Equal(t, host, tt.host, tt.authority)
		assert.Equal(t, port, tt.port, tt.authority)
	}
}

func TestSplitRefuses(t *testing.T) {
	t.Parallel()
	for _, authority := range []string{"", ":", ":80", "user@x", "user:pw@x", "x:y", "x:-1", "x:+1", "x: 1", "x:65536", "x:99999999999999999999",
		"x:80:80", "::1", "x\r\ny", "x\x00", "x y", " x", "x ", "x\t", "x/y", "x?y", "x#y", `x\y`, "x%41", "é.example", "x\xff", "<x>", `"x"`, "x|y",
		"[", "]", "[]", "[]:1", "[::1", "::1]", "[::1]x", "[::1]80", "[::1]:x", "[::1]::1", "[::1]:1:1", "[[::1]]", "[::1%eth0]", "[::1%25eth0]",
		"[fe80::1%<script>]", "[1.2.3.4]", "[x]", "[v1.x]", "[::g]", "x[::1]", "."} {
		if host, port, ok := Split(authority); ok {
			t.Errorf("%q: got %q, %q, want it refused", authority, host, port)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	tests := []struct{ host, port, want string }{
		{"a", "", "a"}, {"a", "1", "a:1"}, {"::1", "", "[::1]"}, {"::1", "1", "[::1]:1"}, {"1.2.3.4", "5", "1.2.3.4:5"},
	}
	for _, tt := range tests {
		assert.Equal(t, Join(tt.host, tt.port), tt.want)
	}
}

// FuzzAuthority checks that what is accepted is harmless wherever it is written,
// and that joining and splitting again changes nothing.
func FuzzAuthority(f *testing.F) {
	for _, seed := range []string{"a", "a:1", "[::1]", "[::1]:1", "A.B.", "user@x", "[fe80::1%eth0]", "x:", "x:99999", "a..", ".", "[::ffff:1.2.3.4]", "\x00", "[::1]x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		host, port, ok := Split(authority)
		if !ok {
			return
		}
		if host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, " \t\r\n\x00/\\?#@<>\"%[]|^`{}") {
			t.Fatalf("%q: got host %q", authority, host)
		}
		if strings.Trim(port, "0123456789") != "" || len(port) > 0 && !strings.HasSuffix(authority, ":"+port) {
			t.Fatalf("%q: got port %q", authority, port)
		}
		if strings.Contains(host, ":") {
			if addr, err := netip.ParseAddr(host); err != nil || !addr.Is6() {
				t.Fatalf("%q: got host %q, which is no address", authority, host)
			}
		}
		if strings.HasSuffix(host, ".") {
			return // another dot would go
		}
		joined := Join(host, port)
		host2, port2, ok := Split(joined)
		if !ok || host != host2 || port2 != port {
			t.Fatalf("%q: joined to %q, which is %q, %q, %v", authority, joined, host2, port2, ok)
		}
	})
}
