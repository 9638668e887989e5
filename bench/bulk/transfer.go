package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// direction is a way to move a body of a given size, and to make sure that all
// of it arrived.
type direction struct {
	name string
	move func(ctx context.Context, client *http.Client, addr string, size int64) error
}

var directions = map[string]direction{
	"upload":   {"upload", upload},
	"download": {"download", download},
}

func upload(ctx context.Context, client *http.Client, addr string, size int64) error {
	body := io.LimitReader(&endless{}, size)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/upload", body)
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

func download(ctx context.Context, client *http.Client, addr string, size int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/bytes/%d", addr, size), nil)
	if err != nil {
		return err
	}
	var got int64
	err = exchange(client, req, func(r io.Reader) (err error) {
		got, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 256<<10))
		return err
	})
	if err == nil && got != size {
		err = fmt.Errorf("got %d bytes of %d", got, size)
	}
	return err
}

func exchange(client *http.Client, req *http.Request, read func(io.Reader) error) error {
	resp, err := client.Do(req)
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

// endless is a reader that leaves the buffer as it is, for it is the length that
// counts.
type endless struct{}

func (*endless) Read(p []byte) (int, error) { return len(p), nil }
