package upload

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the folder is still there: %v", err)
		}
	})
	return s
}

func TestFiles(t *testing.T) {
	s := newStore(t)
	f, err := s.Add("../notes/shells.txt", "octavia", strings.NewReader("nine shells"))
	if err != nil || f.Name != "shells.txt" || f.Size != 11 {
		t.Fatalf("got %+v, %v", f, err)
	}
	if _, err := s.Add("sand.txt", "nemo", strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	if list := s.List(); len(list) != 2 || list[0].Name != "sand.txt" {
		t.Errorf("got %+v", list)
	}
	got, path, err := s.Open(f.ID)
	if err != nil || got != f {
		t.Fatalf("got %+v, %v", got, err)
	}
	if text, err := os.ReadFile(path); string(text) != "nine shells" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := s.Remove(f.ID, "nemo"); !errors.Is(err, ErrNotYours) {
		t.Errorf("got %v, want ErrNotYours", err)
	}
	if err := s.Remove(f.ID, "octavia"); err != nil {
		t.Error(err)
	}
	if err := s.Remove(f.ID, "octavia"); !errors.Is(err, ErrNoFile) {
		t.Errorf("got %v, want ErrNoFile", err)
	}
	if _, _, err := s.Open(f.ID); !errors.Is(err, ErrNoFile) {
		t.Errorf("got %v, want ErrNoFile", err)
	}
	if files, size := s.Count(); files != 1 || size != 0 {
		t.Errorf("got %d files of %d bytes", files, size)
	}
}

func TestNothingStaysOfFailures(t *testing.T) {
	s := newStore(t)
	broken := errors.New("connection lost")
	tests := []struct {
		name string
		from io.Reader
		want error
	}{
		{"broken off", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)), broken},
		{"too much", io.LimitReader(zeros{}, maxBytes+1), ErrFull},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.Add("a", "nemo", tt.from); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			files, size := s.Count()
			left, err := os.ReadDir(s.dir)
			if files != 0 || size != 0 || len(left) != 0 || err != nil {
				t.Errorf("left are %d files, %d bytes, %v, %v", files, size, left, err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
