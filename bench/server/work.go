package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tako-go/tako"
)

// Bounds of what one request may ask for.
const (
	maxSleepMillis = 60_000
	maxSpinMicros  = 10_000_000
	maxBytes       = 1 << 30
	maxUpload      = 1 << 30
)

// sleep blocks without using a processor, as a handler that waits for a
// database does. It does not look at the request's context on purpose.
func sleep(c *tako.Context) error {
	ms, err := number("ms", c.Query("ms"), 50, maxSleepMillis)
	if err != nil {
		return err
	}
	if ms > 0 {
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	return c.Text(http.StatusOK, "slept")
}

// spin keeps a processor busy without giving it up.
func spin(c *tako.Context) error {
	us, err := number("us", c.Query("us"), 200, maxSpinMicros)
	if err != nil {
		return err
	}
	for start := time.Now(); time.Since(start) < time.Duration(us)*time.Microsecond; {
	}
	return c.Text(http.StatusOK, "spun")
}

const octets = "application/octet-stream"

var chunk = bytes.Repeat([]byte{'x'}, 64<<10)

func sendBytes(c *tako.Context) error {
	n, err := number("n", c.Param("n"), 0, maxBytes)
	if err != nil {
		return err
	}
	if n <= len(chunk) {
		return c.Bytes(http.StatusOK, octets, chunk[:n])
	}
	c.Header().Set("Content-Type", octets)
	c.Header().Set("Content-Length", strconv.Itoa(n))
	for n > 0 {
		part, err := c.Write(chunk[:min(n, len(chunk))])
		if err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// upload counts a body without ever holding it.
func upload(c *tako.Context) error {
	n, err := io.Copy(io.Discard, c.Body())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Bytes int64 `json:"bytes"`
	}{n})
}

// number reads a bounded count out of the request; an empty text means def.
func number(name, text string, def, most int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, tako.BadRequest("%s must be a number from 0 to %d", name, most)
	}
	return n, nil
}
