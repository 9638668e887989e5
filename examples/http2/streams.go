package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/tako-go/tako"
)

// ticks streams until the client has enough or the server drains.
func ticks(c *tako.Context, every time.Duration) error {
	for n := 1; ; n++ {
		if _, err := fmt.Fprintf(c, "tick %d\n", n); err != nil {
			return err
		}
		if err := c.Flush(); err != nil {
			return err
		}
		select {
		case <-time.After(every):
		case <-c.Draining():
			return nil
		case <-c.Context().Done():
			return c.Context().Err()
		}
	}
}

// upper answers while the body still comes.
func upper(c *tako.Context) error {
	if err := c.EnableFullDuplex(); err != nil {
		return err
	}
	buf := make([]byte, 4<<10)
	for {
		n, err := c.Body().Read(buf)
		if _, err := c.Write(bytes.ToUpper(buf[:n])); err != nil {
			return err
		}
		if err := c.Flush(); err != nil {
			return err
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sum sends the body back, and what it sums up to behind it.
func sum(c *tako.Context) error {
	hash := sha256.New()
	if _, err := io.Copy(c, io.TeeReader(c.Body(), hash)); err != nil {
		return err
	}
	c.Trailer().Set("Sum", hex.EncodeToString(hash.Sum(nil)))
	return nil
}
