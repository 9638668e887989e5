// Package transfer moves one large body to or from a server that has /upload and
// /bytes/N, and makes sure that all of it arrived.
package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// Largest is what our server sends and takes at most.
const Largest = 1 << 30

// Direction is a way to move a body.
type Direction struct {
	Name string
	// Move moves size bytes, and counts them in moved on the way. The base is such
	// as http://127.0.0.1:8080.
	Move func(ctx context.Context, client http.RoundTripper, base string, size int64, moved *atomic.Int64) error
}

// Upload sends, Download receives.
var (
	Upload   = Direction{"upload", upload}
	Download = Direction{"download", download}
)

// piece is what is read at once.
const piece = 256 << 10

func upload(ctx context.Context, client http.RoundTripper, base string, size int64, moved *atomic.Int64) error {
	body := &endless{left: size, moved: moved}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/upload", body)
	if err != nil {
		return err
	}
	req.ContentLength = size
	req.Header.Set("Content-Type", "application/octet-stream")
	var answer struct {
		Bytes int64 `json:"bytes"`
	}
	err = exchange(client, req, func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) })
	if err == nil && answer.Bytes != size {
		err = fmt.Errorf("the server got %d bytes of %d", answer.Bytes, size)
	}
	return err
}

func download(ctx context.Context, client http.RoundTripper, base string, size int64, moved *atomic.Int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/bytes/%d", base, size), nil)
	if err != nil {
		return err
	}
	var got int64
	err = exchange(client, req, func(r io.Reader) error {
		buf := make([]byte, piece)
		for {
			n, err := r.Read(buf)
			got += int64(n)
			moved.Add(int64(n))
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
		}
	})
	if err == nil && got != size {
		err = fmt.Errorf("got %d bytes of %d", got, size)
	}
	return err
}

func exchange(client http.RoundTripper, req *http.Request, read func(io.Reader) error) error {
	resp, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return fmt.Errorf("status %d: %s", resp.StatusCode, bytes.TrimSpace(text))
	}
	return read(resp.Body)
}

// endless is a body that leaves the buffer as it is, for it is the length that
// counts.
type endless struct {
	left  int64
	moved *atomic.Int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), e.left)
	e.left -= n
	e.moved.Add(n)
	return int(n), nil
}
