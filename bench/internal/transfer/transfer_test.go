package transfer

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTransfers(t *testing.T) {
	mux := http.NewServeMux()
	lost := 0
	mux.HandleFunc("POST /upload", func(w http.ResponseWriter, req *http.Request) {
		n, _ := io.Copy(io.Discard, req.Body)
		_, _ = io.WriteString(w, `{"bytes":`+strconv.Itoa(int(n)-lost)+`}`)
	})
	mux.HandleFunc("GET /bytes/{n}", func(w http.ResponseWriter, req *http.Request) {
		n, _ := strconv.Atoi(req.PathValue("n"))
		_, _ = io.WriteString(w, strings.Repeat("x", n-lost))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, d := range []Direction{Upload, Download} {
		lost = 0
		var moved atomic.Int64
		if err := d.Move(t.Context(), server.Client().Transport, server.URL, 100_000, &moved); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
		if moved.Load() != 100_000 {
			t.Errorf("%s: counted %d bytes", d.Name, moved.Load())
		}
		lost = 1
		err := d.Move(t.Context(), server.Client().Transport, server.URL, 100_000, &moved)
		if err == nil || !strings.Contains(err.Error(), "99999 bytes of 100000") {
			t.Errorf("%s, a byte lost: got %v", d.Name, err)
		}
	}
}

func TestStatusIsChecked(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, d := range []Direction{Upload, Download} {
		err := d.Move(t.Context(), server.Client().Transport, server.URL, 10, new(atomic.Int64))
		if err == nil || !strings.Contains(err.Error(), "status 404") {
			t.Errorf("%s: got %v", d.Name, err)
		}
	}
}

func TestSampleRSS(t *testing.T) {
	if got := SampleRSS(os.Getpid())(); got < 1<<20 {
		t.Errorf("got %d bytes", got)
	}
}
