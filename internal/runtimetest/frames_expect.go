package runtimetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/net/http2"
)

// outcome waits for the end of a stream. The error says why there is no response.
func (c *frameClient) outcome(id uint32) (*response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.streams[id]
	over := c.awaitLocked(c.x.patience, func() bool { return st.ended || st.reset != nil || st.wrong != nil })
	r := &response{status: st.status, fields: st.head, trailer: st.trailer, body: string(bytes.Join(st.data, nil))}
	for _, i := range st.interim {
		var status int
		_, _ = fmt.Sscanf(i[len(i)-1].value, "%d", &status)
		r.interim = append(r.interim, status)
	}
	switch {
	case st.wrong != nil:
		return r, st.wrong
	case st.ended:
		return r, nil
	case over:
		return r, fmt.Errorf("stream %d was reset with %v", id, *st.reset)
	case c.err != nil:
		return r, fmt.Errorf("the connection ended: %w, %v", c.err, c.goAways)
	}
	return r, fmt.Errorf("stream %d has no end", id)
}

// expect demands a response with one of the statuses.
func (c *frameClient) expect(id uint32, status ...int) *response {
	c.x.Helper()
	r, err := c.outcome(id)
	if err != nil {
		c.x.Fatalf("response on stream %d: %v", id, err)
	}
	if !slices.Contains(status, r.status) {
		c.x.Fatalf("got status %d with body %.200q on stream %d, want %v", r.status, r.body, id, status)
	}
	return r
}

// ask sends a GET on a new stream and demands 200.
func (c *frameClient) ask(path string) *response {
	c.x.Helper()
	return c.expect(c.open(true, c.get(path)), 200)
}

// resets demands that the server resets a stream with one of the codes.
func (c *frameClient) resets(id uint32, codes ...http2.ErrCode) {
	c.x.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.streams[id]
	c.awaitLocked(c.x.patience, func() bool { return st.reset != nil })
	switch {
	case st.reset == nil:
		c.x.Fatalf("stream %d is not reset: status %d, ended %v, connection %v %v", id, st.status, st.ended, c.err, c.goAways)
	case !slices.Contains(codes, *st.reset):
		c.x.Errorf("stream %d is reset with %v, want %v", id, *st.reset, codes)
	}
}

// dies demands that the server ends the connection with one of the codes.
func (c *frameClient) dies(codes ...http2.ErrCode) {
	c.x.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.awaitLocked(c.x.patience, func() bool { return c.err != nil })
	n := len(c.goAways)
	switch {
	case c.err == nil:
		c.x.Fatalf("the server keeps the connection open: %v", c.goAways)
	case n == 0:
		c.x.Errorf("the connection ended without GOAWAY, want %v: %v", codes, c.err)
	case !slices.Contains(codes, c.goAways[n-1].code):
		c.x.Errorf("the connection ended with %v, want %v", c.goAways[n-1].code, codes)
	}
}

// ends demands that the connection ends, with or without a word.
func (c *frameClient) ends() {
	c.x.Helper()
	if c.await(c.x.patience, func() bool { return c.err != nil }); !c.ended() {
		c.x.Fatal("the server keeps the connection open")
	}
}

// resetOf returns the code with which a stream was reset.
func (c *frameClient) resetOf(id uint32) (http2.ErrCode, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if code := c.streams[id].reset; code != nil {
		return *code, true
	}
	return 0, false
}

// sizeOf returns how much of a body has come.
func (c *frameClient) sizeOf(id uint32) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[id].size
}

// acked returns how many SETTINGS were acknowledged.
func (c *frameClient) acked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acks
}

func (c *frameClient) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

// ready waits for the SETTINGS of the server and its acknowledgement of ours.
func (c *frameClient) ready() {
	c.x.Helper()
	if !c.await(c.x.patience, func() bool { return c.acks > 0 && len(c.settings) > 0 }) {
		c.x.Fatalf("the connection is not ready: %v, %v", c.err, c.goAways)
	}
}

// orderly reports whether the connection ended as it should.
func (c *frameClient) orderly() bool {
	n := len(c.goAways)
	return errors.Is(c.err, io.EOF) && n > 0 && c.goAways[n-1].code == http2.ErrCodeNo
}
