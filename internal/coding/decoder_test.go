package coding

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/tako-go/tako/internal/assert"
)

// TestEX03Cut: a body that is cut off anywhere is corrupt, and what comes before is right.
func TestEX03Cut(t *testing.T) {
	t.Parallel()
	in := prose(5000)
	for _, coding := range all {
		coded := encode(t, coding, Level(coding, 0, false), true, in[:2000], in[2000:])
		for n := range len(coded) {
			got, err := decode(t, coding, coded[:n])
			if !errors.Is(err, ErrCorrupt) || !bytes.HasPrefix(in, got) {
				t.Fatalf("%s cut at %d of %d: got %d bytes, %v", coding, n, len(coded), len(got), err)
			}
		}
	}
}

func TestEX03Corrupt(t *testing.T) {
	t.Parallel()
	in := prose(5000)
	for _, coding := range all {
		coded := encode(t, coding, Level(coding, 0, false), false, in)
		for what, body := range map[string][]byte{
			"nothing": nil, "text": in, "noise": noise(100), "more behind": append(bytes.Clone(coded), 'x'),
			"much behind": append(bytes.Clone(coded), noise(9000)...),
		} {
			if _, err := decode(t, coding, body); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s of %s: got %v", what, coding, err)
			}
		}
		for _, other := range all {
			if _, err := decode(t, other, coded); other != coding && err == nil {
				t.Errorf("%s was read as %s", coding, other)
			}
		}
	}
}

func TestDecoderReuse(t *testing.T) {
	t.Parallel()
	for _, coding := range all {
		for i := range 6 {
			in := prose(1000 * (i + 1))
			coded := encode(t, coding, 1, false, in)
			if i%2 == 0 {
				_, _ = decode(t, coding, coded[:len(coded)/2])
			}
			same(t, coding, coding, coded, in)
		}
	}
}

func TestSourceErrors(t *testing.T) {
	t.Parallel()
	failure := errors.New("wire")
	for _, coding := range all {
		coded := encode(t, coding, 1, true, prose(3000))
		for _, n := range []int{0, 1, len(coded) / 2, len(coded)} {
			d, err := NewDecoder(coding, io.MultiReader(bytes.NewReader(coded[:n]), iotest.ErrReader(failure)))
			assert.Equal(t, err, nil)
			_, err = io.ReadAll(d)
			_, again := d.Read(make([]byte, 1))
			if err != failure || again != failure {
				t.Errorf("%s, after %d bytes: got %v, then %v", coding, n, err, again)
			}
			d.Release()
		}
	}
}

// FuzzDecode checks that what comes from outside ends, and that our own comes back.
func FuzzDecode(f *testing.F) {
	for i, coding := range all {
		f.Add(byte(i), encode(f, coding, 1, true, prose(300)))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		coding := all[int(which)%len(all)]
		d, err := NewDecoder(coding, bytes.NewReader(body))
		assert.Equal(t, err, nil)
		_, err = io.Copy(io.Discard, io.LimitReader(d, 1<<20))
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Fatalf("got %v", err)
		}
		d.Release()
		same(t, coding, coding, encode(t, coding, 1, which > 127, body), body)
	})
}
