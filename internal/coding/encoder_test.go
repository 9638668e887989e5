package coding

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/tako-go/tako/internal/assert"
)

var all = []string{Brotli, Zstd, Gzip, Deflate}

// others are decoders that are not ours, as far as there are any.
var others = map[string]func(r io.Reader) (io.Reader, error){
	Brotli:  func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
	Zstd:    func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	Gzip:    func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
	Deflate: func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) },
}

// prose makes n bytes that can be made smaller.
func prose(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"id":%d,"name":"octopus %d","depth":%.3f,"tags":["reef","ink"]},`, r.IntN(1e6), r.IntN(100), r.Float64()*1000)
	}
	return b.Bytes()[:n]
}

func noise(n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{})
	_, _ = src.Read(b)
	return b
}

// encode writes the pieces of in, each flushed if flush is set.
func encode(t testing.TB, coding string, level int, flush bool, in ...[]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	e, err := NewEncoder(coding, level, &out)
	assert.Equal(t, err, nil)
	defer e.Release()
	for _, p := range in {
		n, err := e.Write(p)
		assert.Equal(t, err, nil)
		assert.Equal(t, n, len(p))
		if flush {
			assert.Equal(t, e.Flush(), nil)
		}
	}
	assert.Equal(t, e.Close(), nil)
	return out.Bytes()
}

func decode(t testing.TB, coding string, coded []byte) ([]byte, error) {
	t.Helper()
	d, err := NewDecoder(coding, iotest.HalfReader(bytes.NewReader(coded)))
	assert.Equal(t, err, nil)
	defer d.Release()
	return io.ReadAll(d)
}

// TestCO01Sizes: bodies of every size come out whole, of our decoder and of others.
func TestCO01Sizes(t *testing.T) {
	t.Parallel()
	for _, coding := range all {
		for level := 1; level <= maxLevel; level++ {
			for _, n := range []int{0, 1, 2, 15, 16, 1023, 1024, 1025, brotliBlock - 1, brotliBlock, brotliBlock + 1, 3*brotliBlock + 7} {
				for kind, in := range map[string][]byte{"prose": prose(n), "noise": noise(n), "zeros": make([]byte, n)} {
					what := fmt.Sprint(coding, level, kind, n)
					same(t, what, coding, encode(t, coding, level, false, in), in)
				}
			}
		}
	}
}

func same(t *testing.T, what, coding string, coded, want []byte) {
	t.Helper()
	got, err := decode(t, coding, coded)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: got %d bytes, %v, want %d", what, len(got), err, len(want))
	}
	r, err := others[coding](bytes.NewReader(coded))
	if err == nil {
		got, err = io.ReadAll(r)
	}
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%s: another decoder got %d bytes, %v, want %d", what, len(got), err, len(want))
	}
}

func TestCO01Large(t *testing.T) {
	t.Parallel()
	in := prose(10 << 20)
	for _, coding := range all {
		same(t, coding, coding, encode(t, coding, Level(coding, 0, false), false, in[:5<<20], in[5<<20:]), in)
	}
}

// TestCO03Flush: after each flush everything written so far can be decoded.
func TestCO03Flush(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	in := prose(200 << 10)
	for _, coding := range all {
		for level := 1; level <= maxLevel; level++ {
			var out bytes.Buffer
			e, err := NewEncoder(coding, level, &out)
			assert.Equal(t, err, nil)
			assert.Equal(t, e.Flush(), nil)
			done := 0
			for i := range 40 {
				n := r.IntN(1 << r.IntN(16))
				n = min(n, len(in)-done)
				_, err := e.Write(in[done : done+n])
				assert.Equal(t, err, nil)
				done += n
				assert.Equal(t, e.Flush(), nil)
				if i%3 == 0 {
					assert.Equal(t, e.Flush(), nil)
				}
				if done == 0 {
					continue // some have not even a header then
				}
				got, err := others[coding](bytes.NewReader(out.Bytes()))
				assert.Equal(t, err, nil)
				text, _ := io.ReadAll(got)
				if !bytes.Equal(text, in[:done]) {
					t.Fatalf("%s, level %d: %d bytes can be decoded after flush %d, want %d", coding, level, len(text), i, done)
				}
			}
			assert.Equal(t, e.Close(), nil)
			same(t, coding, coding, out.Bytes(), in[:done])
			e.Release()
		}
	}
}

func TestReuseAfterAbort(t *testing.T) {
	t.Parallel()
	in := prose(100_000)
	for _, coding := range all {
		level := Level(coding, 0, true)
		for range 3 {
			e, err := NewEncoder(coding, level, io.Discard)
			assert.Equal(t, err, nil)
			_, err = e.Write(noise(50_001))
			assert.Equal(t, err, nil)
			e.Release()
			same(t, coding, coding, encode(t, coding, level, false, in), in)
		}
	}
}

// broken takes some bytes and fails then.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestEncoderTellsOfErrors(t *testing.T) {
	t.Parallel()
	for _, coding := range all {
		for _, left := range []int{0, 100, 70_000} {
			e, err := NewEncoder(coding, Level(coding, 0, false), &broken{left})
			assert.Equal(t, err, nil)
			_, err = e.Write(noise(100_000))
			if err == nil {
				err = e.Flush()
			}
			if !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: got %v", coding, err)
			}
			if e.Close() == nil {
				t.Errorf("%s: a broken stream was closed", coding)
			}
			e.Release()
		}
	}
}

func TestUnknownCoding(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"", "identity", "compress", "GZIP"} {
		_, err := NewEncoder(coding, 1, io.Discard)
		_, err2 := NewDecoder(coding, strings.NewReader(""))
		if err == nil || err2 == nil || Known(coding) {
			t.Errorf("%q is known", coding)
		}
	}
	_, err := NewEncoder(Gzip, 0, io.Discard)
	_, err2 := NewEncoder(Gzip, 10, io.Discard)
	if err == nil || err2 == nil {
		t.Error("levels are not checked")
	}
}

// TestCO01Programs decodes with the programs that are there.
func TestCO01Programs(t *testing.T) {
	t.Parallel()
	in := prose(300_000)
	for coding, program := range map[string]string{Brotli: "brotli", Zstd: "zstd", Gzip: "gzip"} {
		t.Run(coding, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(program)
			if err != nil {
				t.Skip(program + " is not installed")
			}
			for _, flush := range []bool{false, true} {
				cmd := exec.CommandContext(t.Context(), path, "-d", "-c")
				cmd.Stdin = bytes.NewReader(encode(t, coding, Level(coding, 0, flush), flush, in[:100], in[100:5000], in[5000:]))
				got, err := cmd.Output()
				if err != nil || !bytes.Equal(got, in) {
					t.Errorf("%s got %d bytes, %v", program, len(got), err)
				}
			}
		})
	}
}

// TestSmallEvents: pieces of some ten bytes that repeat do not grow.
func TestSmallEvents(t *testing.T) {
	t.Parallel()
	var events [][]byte
	size := 0
	for i := range 500 {
		events = append(events, fmt.Appendf(nil, "id: %d\nevent: price\ndata: {\"symbol\":\"OCTO\",\"price\":%d}\n\n", i, i*7919%1000))
		size += len(events[i])
	}
	for _, coding := range all {
		coded := encode(t, coding, Level(coding, 0, true), true, events...)
		t.Logf("%s: %d of %d bytes", coding, len(coded), size)
		if len(coded) > size*3/4 {
			t.Errorf("%s: %d bytes of events became %d", coding, size, len(coded))
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	in := prose(10 << 10)
	for _, coding := range all {
		b.Run(coding, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				e, err := NewEncoder(coding, Level(coding, 0, false), io.Discard)
				if err != nil {
					b.Fatal(err)
				}
				_, _ = e.Write(in)
				_ = e.Close()
				e.Release()
			}
		})
	}
}
