package multipart

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzReader compares with mime/multipart: what we accept means the same to it. We
// refuse more, and nothing depends on how the body is cut.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		"--b\n" + field + "1\n--b--\n", "--b\n" + file + "1\n--b\n" + field + "--b--",
		"x\n--b \n" + field + "\n--b-\n--bb\n--b--x", "--b\nX: 1\n y\n" + field + "\r\n\r\n--b--",
	} {
		f.Add([]byte(crlf(seed)), "b")
	}
	f.Add([]byte("\n--b\r\n--b--"), "b")
	f.Add([]byte(crlf("--a b\n"+field+"\n--a b--")), "a b")
	f.Fuzz(func(t *testing.T, body []byte, boundary string) {
		ours, err := readAll(bytes.NewReader(body), boundary, testLimits)
		slow, slowErr := readAll(iotest.OneByteReader(bytes.NewReader(body)), boundary, testLimits)
		if (err == nil) != (slowErr == nil) || len(ours) != len(slow) {
			t.Fatalf("read at once: %+v, %v; byte by byte: %+v, %v", ours, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		if afterLF(body, boundary) {
			return
		}
		theirs := multipart.NewReader(bytes.NewReader(body), boundary)
		for i, p := range ours {
			part, err := theirs.NextRawPart()
			if err != nil {
				if oursAlone(body) {
					return
				}
				t.Fatalf("part %d: we read %+v, mime/multipart says %v", i, p, err)
			}
			data, err := io.ReadAll(part)
			if err != nil || string(data) != p.body {
				t.Fatalf("part %d: we read %q, mime/multipart %q, %v", i, p.body, data, err)
			}
			if name := part.FormName(); name != p.name && name != "" {
				t.Fatalf("part %d: our name is %q, that of mime/multipart %q", i, p.name, name)
			}
		}
		if part, err := theirs.NextRawPart(); err != io.EOF && !oursAlone(body) {
			t.Fatalf("we see the end, mime/multipart %v, %v", part, err)
		}
	})
}

// afterLF tells bodies where the first boundary seems to stand behind an LF without its CR, which
// is text before the first part by RFC 2046, section 5.1.1, and a part to mime/multipart.
func afterLF(body []byte, boundary string) bool {
	at := bytes.Index(body, []byte("\n--"+boundary))
	return at == 0 || at > 0 && body[at-1] != '\r'
}

// oursAlone tells bodies with header values that net/textproto refuses: those with
// control characters, which we leave to whoever reads the field.
func oursAlone(body []byte) bool {
	return strings.ContainsFunc(string(body), func(c rune) bool { return c < ' ' && c != '\r' && c != '\n' && c != '\t' || c == 0x7f })
}
