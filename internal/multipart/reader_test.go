package multipart

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

var testLimits = Limits{Parts: 10, HeaderBytes: 1 << 10, Headers: 5}

type readPart struct {
	name, file string
	isFile     bool
	body       string
}

// readAll reads a whole body by its parts.
func readAll(src io.Reader, boundary string, limits Limits) (parts []readPart, err error) {
	r, err := NewReader(src, boundary, limits)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		p, err := r.Next()
		if err == io.EOF {
			return parts, nil
		}
		if err != nil {
			return parts, err
		}
		body, err := io.ReadAll(p)
		if err != nil {
			return parts, err
		}
		parts = append(parts, readPart{p.Name, p.FileName, p.IsFile, string(body)})
	}
}

// crlf writes bodies as a client would.
func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

const (
	field = "Content-Disposition: form-data; name=a\n\n"
	file  = "Content-Disposition: form-data; name=f; filename=x.txt\nContent-Type: text/plain\n\n"
)

func TestReader(t *testing.T) {
	tests := []struct {
		name, body string
		want       []readPart
		fails      string // what the error says, "" for none
	}{
		{"one", crlf("--b\n" + field + "hi\n--b--\n"), []readPart{{"a", "", false, "hi"}}, ""},
		{"none", crlf("--b--"), nil, ""},
		{"two", crlf("--b\n" + field + "1\n--b\n" + file + "2\n\n--b--"), []readPart{{"a", "", false, "1"}, {"f", "x.txt", true, "2\r\n"}}, ""},
		{"preamble, padding, epilogue", crlf("hi\n--b \t\n" + field + "1\n--b-- \nbye\n--b\n"), []readPart{{"a", "", false, "1"}}, ""},
		{"empty part", crlf("--b\n" + field + "\n--b--"), []readPart{{"a", "", false, ""}}, ""},
		{"no body at all", crlf("--b\n" + field + "--b\n" + field + "--b--"), []readPart{{"a", "", false, ""}, {"a", "", false, ""}}, ""},
		{"near boundaries", crlf("--b\n" + field + "\n--\n--c\n--bb\n--b-x\r\r\n\n--b--"), []readPart{{"a", "", false, "\r\n--\r\n--c\r\n--bb\r\n--b-x\r\r\r\n"}}, ""},
		{"boundary inside a line", crlf("--b\n" + field + "x--b--\n--b--"), []readPart{{"a", "", false, "x--b--"}}, ""},
		{"nested", crlf("--b\nContent-Disposition: form-data; name=a\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\n1\n--c--\n--b--"), []readPart{{"a", "", false, "--c\r\n\r\n1\r\n--c--"}}, ""},
		{"empty", "", nil, "before its last boundary"},
		{"text", "hello", nil, "before its last boundary"},
		{"never closed", crlf("--b\n" + field + "hi\n"), nil, "before its last boundary"},
		{"not quite closed", crlf("--b\n" + field + "hi\n--b-"), nil, "before its last boundary"},
		{"ends with a boundary", crlf("--b\n" + field + "hi\n--b"), nil, "before its last boundary"},
		{"ends in a header", crlf("--b\nContent-Disposition: form-data"), nil, "before its last boundary"},
		{"LF only", "--b\n" + field + "hi\n--b--\n", nil, "than CRLF"},
		{"LF in a header", "--b\r\nX: 1\n" + crlf(field) + "hi\r\n--b--", nil, "end with CRLF"},
		{"CR in a header", "--b\r\nX: 1\rY: 2\r\n" + crlf(field) + "hi\r\n--b--", nil, "end with CRLF"},
		{"words after a boundary", crlf("--b x\n" + field + "hi\n--b--"), nil, "than CRLF"},
		{"words after the end", crlf("--b\n" + field + "hi\n--b--x"), []readPart{{"a", "", false, "hi"}}, "than CRLF"},
		{"no header", crlf("--b\n\nhi\n--b--"), nil, "no Content-Disposition"},
		{"no name", crlf("--b\nContent-Disposition: form-data; filename=x\n\n1\n--b--"), nil, "no name"},
		{"attachment", crlf("--b\nContent-Disposition: attachment; name=a\n\n1\n--b--"), nil, "other than form-data"},
		{"two dispositions", crlf("--b\n" + field[:len(field)-1] + field + "1\n--b--"), nil, "more than one Content-Disposition"},
		{"no field", crlf("--b\nnonsense\n\n1\n--b--"), nil, "is no field"},
		{"space before the colon", crlf("--b\nX : 1\n\n1\n--b--"), nil, "is no field"},
		{"folded by a tab", crlf("--b\nContent-Disposition: form-data;\n\tname=a\n\n1\n--b--"), nil, "white space"},
		{"folded by a space", crlf("--b\nX: 1\n 2\n" + field + "1\n--b--"), nil, "white space"},
		{"begins with a fold", crlf("--b\n X: 1\n\n1\n--b--"), nil, "white space"},
		{"many fields", crlf("--b\n" + strings.Repeat("X: 1\n", 5) + field + "1\n--b--"), nil, "more than 5 header fields"},
		{"long header", crlf("--b\nX: " + strings.Repeat("x", 2000) + "\n" + field + "1\n--b--"), nil, "more than 1024 bytes of header"},
		{"endless header", "--b\r\nX: " + strings.Repeat("x", 1<<20), nil, "more than 1024 bytes of header"},
		{"many parts", crlf(strings.Repeat("--b\n"+field+"\n", 11) + "--b--"), nil, "more than 10 parts"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, src := range []io.Reader{strings.NewReader(tt.body), iotest.OneByteReader(strings.NewReader(tt.body)), iotest.DataErrReader(strings.NewReader(tt.body))} {
				got, err := readAll(src, "b", testLimits)
				if tt.fails == "" {
					assert.NoError(t, err, i)
				} else if err == nil {
					t.Fatalf("no error, want one that says %q", tt.fails)
				} else {
					assert.Contains(t, err.Error(), tt.fails)
				}
				if tt.fails == "" || tt.want != nil {
					assert.Equal(t, got, tt.want, i)
				}
			}
		})
	}
}

func TestBoundary(t *testing.T) {
	for boundary, ok := range map[string]bool{
		"b": true, strings.Repeat("b", 70): true, "a b": true, "'()+_,-./:=?0aZ": true,
		"": false, strings.Repeat("b", 71): false, "b ": false, "b\r\n": false, "b\"": false, "é": false, "b\x00": false,
	} {
		_, err := NewReader(nil, boundary, testLimits)
		var syntax SyntaxError
		if (err == nil) != ok || err != nil && !errors.As(err, &syntax) {
			t.Errorf("boundary %q: got error %v, want it to be accepted: %v", boundary, err, ok)
		}
	}
}

// Every length of window that a delimiter can be cut at.
func TestDelimiterAcrossReads(t *testing.T) {
	boundary := strings.Repeat("-b", 35)
	for pad := range 200 {
		body := strings.Repeat("x", bufferSize-100+pad-len(boundary))
		text := crlf("--" + boundary + "\n" + file + body + "\n--" + boundary + "\n" + field + "y\n--" + boundary + "--")
		got, err := readAll(strings.NewReader(text), boundary, testLimits)
		assert.NoError(t, err)
		if len(got) != 2 || got[0].body != body || got[1].body != "y" {
			t.Fatalf("pad %d: the parts are cut in the wrong place", pad)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	broken := errors.New("broken")
	text := crlf("--b\n" + field + "hi\n--b\n" + field + "ho\n--b--")
	for n := range len(text) {
		_, err := readAll(io.MultiReader(strings.NewReader(text[:n]), iotest.ErrReader(broken)), "b", testLimits)
		assert.ErrorIs(t, err, broken, n)
	}
	_, err := readAll(stuck{}, "b", testLimits)
	assert.ErrorIs(t, err, io.ErrNoProgress)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestStaleParts(t *testing.T) {
	r, err := NewReader(strings.NewReader(crlf("--b\n"+field+"one\n--b\n"+field+"two\n--b--")), "b", testLimits)
	assert.NoError(t, err)
	first, err := r.Next()
	assert.NoError(t, err)
	second, err := r.Next()
	assert.NoError(t, err)
	var p [1]byte
	_, err = second.Read(p[:])
	assert.NoError(t, err)
	_, err = first.Read(p[:])
	assert.ErrorIs(t, err, ErrStale)
	rest, err := io.ReadAll(second)
	assert.NoError(t, err)
	assert.Equal(t, string(p[:])+string(rest), "two")
	r.Close()
	_, err = second.Read(p[:])
	assert.ErrorIs(t, err, ErrStale)
	_, err = r.Next()
	assert.ErrorIs(t, err, ErrStale)
}

// Ten times the data takes ten times the time, not a hundred times.
func TestNearBoundaryFloodIsLinear(t *testing.T) {
	boundary := strings.Repeat("b", 70)
	for _, near := range []string{"\r", "\r\n", "\r\n--", "\r\n--" + boundary[1:], "\r\n--" + boundary[1:] + "c", "\r\n--" + boundary + "c", "\r\n--" + boundary + "-", "b", "-", "x--" + boundary} {
		took := map[int]time.Duration{}
		for _, size := range []int{1 << 20, 10 << 20} {
			flood := strings.Repeat(near, size/len(near))
			text := crlf("--"+boundary+"\n"+file) + flood + "\r\n--" + boundary + "--"
			start := time.Now()
			got, err := readAll(strings.NewReader(text), boundary, testLimits)
			took[size] = time.Since(start)
			assert.NoError(t, err)
			if len(got) != 1 || got[0].body != flood {
				t.Fatalf("%q: the part is not what was sent", near)
			}
		}
		if limit := 100*took[1<<20] + time.Second; took[10<<20] > limit {
			t.Errorf("%q: 1 MiB takes %v, 10 MiB %v", near, took[1<<20], took[10<<20])
		}
	}
}

func TestDisposition(t *testing.T) {
	tests := []struct {
		params string
		want   readPart
		ok     bool
	}{
		{`name=a`, readPart{name: "a"}, true},
		{`name="a b"; FileName="x;y"`, readPart{"a b", "x;y", true, ""}, true},
		{`name=""; filename=""`, readPart{"", "", true, ""}, true},
		{`name=a; filename="C:\dir\x.txt"`, readPart{"a", `C:\dir\x.txt`, true, ""}, true},
		{`name=a; filename="say \"hi\" \\ there"`, readPart{"a", `say "hi" \ there`, true, ""}, true},
		{`name=a; filename*=UTF-8''na%C3%AFve%00`, readPart{"a", "naïve\x00", true, ""}, true},
		{`name=a; filename*=utf-8'en'x; filename=y`, readPart{"a", "y", true, ""}, true},
		{`name = a ; other="1" ;`, readPart{name: "a"}, true},
		{`name=a; name=b`, readPart{}, false},
		{`name=a; filename=b; filename=c`, readPart{}, false},
		{`name=a; filename*=latin1''b`, readPart{}, false},
		{`name=a; filename*=UTF-8''%zz`, readPart{}, false},
		{`name=a b`, readPart{}, false},
		{`name="a`, readPart{}, false},
		{`name="a"b`, readPart{}, false},
		{`name`, readPart{}, false},
		{`=a`, readPart{}, false},
		{``, readPart{}, false},
	}
	for _, tt := range tests {
		text := "--b\r\nContent-Disposition: form-data; " + tt.params + "\r\n\r\n\r\n--b--"
		got, err := readAll(strings.NewReader(text), "b", testLimits)
		if (err == nil) != tt.ok {
			t.Errorf("%s: got error %v, want it to be accepted: %v", tt.params, err, tt.ok)
		} else if tt.ok {
			assert.Equal(t, got, []readPart{tt.want}, tt.params)
		}
	}
}

func TestWriteTo(t *testing.T) {
	body := strings.Repeat("0123456789", 20_000)
	r, err := NewReader(strings.NewReader(crlf("--b\n"+file)+body+"\r\n--b--"), "b", Limits{Parts: 1, HeaderBytes: 64 << 10, Headers: 5})
	assert.NoError(t, err)
	defer r.Close()
	p, err := r.Next()
	assert.NoError(t, err)
	assert.Equal(t, p.Get("content-TYPE")+p.Get("none"), "text/plain")
	var to bytes.Buffer
	n, err := io.Copy(&to, p)
	assert.NoError(t, err)
	assert.Equal(t, n, int64(len(body)))
	if to.String() != body {
		t.Error("the part is not what was sent")
	}
	_, err = r.Next()
	assert.ErrorIs(t, err, io.EOF)
}
