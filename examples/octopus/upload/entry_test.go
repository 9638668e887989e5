package upload

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// breaking is a body that breaks off behind a look at the folder.
type breaking struct {
	store *Store
	saw   []string
}

func (b *breaking) Read([]byte) (int, error) {
	entries, err := os.ReadDir(b.store.Dir())
	for _, e := range entries {
		b.saw = append(b.saw, e.Name())
	}
	return 0, errors.Join(errors.New("broken off"), err)
}

// What is under way has a name that is not served, and what breaks off leaves nothing behind.
func TestHalf(t *testing.T) {
	s, err := New()
	assert.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	body := &breaking{store: s}
	if _, err := s.Add("half.txt", "nemo", body); err == nil {
		t.Error("half a file was taken")
	}
	assert.Equal(t, body.saw, []string{".1-half.txt"})
	left, err := os.ReadDir(s.Dir())
	assert.NoError(t, err)
	assert.Equal(t, len(left), 0)
}

func TestEntry(t *testing.T) {
	tests := map[string]string{
		"shells.txt":                      "7-shells.txt",
		"sh\u00e9lls.tar.gz":              "7-sh\u00e9lls_tar.gz",
		"..":                              "7-_",
		"a/b\\c:d*?\"<>|\x00.x":           "7-a_b_c_d_______.x",
		".profile":                        "7-.profile",
		"no end":                          "7-no_end",
		"x.":                              "7-x",
		"bad\xff.wav":                     "7-bad_.wav",
		strings.Repeat("x", 99) + ".wav":  "7-" + strings.Repeat("x", maxEntry) + ".wav",
		"x." + strings.Repeat("x", 99):    "7-x",
		"CON":                             "7-CON",
		strings.Repeat("\u20ac", 9) + "~": "7-" + strings.Repeat("_", 10),
	}
	for name, want := range tests {
		if got := entry(7, name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
