package main

import (
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/tako-go/tako"
)

var (
	//go:embed page.html
	page []byte
	//go:embed discover.html
	discover []byte
)

// Bounds of what one request may ask for.
const (
	maxBig   = 1 << 30
	maxLines = 1000
	maxPause = 1000 // ms
)

// bigSeed makes the bytes of /big, which clients know beforehand.
var bigSeed = [32]byte([]byte("0123456789abcdef0123456789abcdef"))

func routes(log *slog.Logger) *tako.Router {
	r := tako.New()
	r.Log(log)
	r.BodyLimit(tako.NoLimit)
	r.Get("/", func(c *tako.Context) error { return c.Text(http.StatusOK, "Hello, World!") })
	r.Post("/", echo)
	r.Post("/echo", echo)
	r.Get("/info", info)
	r.Get("/talk", talk)
	addChecks(r)
	r.Get("/big/{n}", sendBig)
	r.Post("/sum", sum)
	r.Put("/sum", sum)
	r.Post("/refuse", refuse)
	r.Put("/refuse", refuse)
	r.Get("/early-hints", earlyHints)
	r.Get("/trailers", trailers)
	r.Post("/trailers", returnTrailers)
	r.Get("/stream", stream)
	w := new(waits)
	r.Get("/wait", w.wait)
	r.Get("/waits", w.counts)
	r.Get("/page", func(c *tako.Context) error { return c.Bytes(http.StatusOK, "text/html; charset=utf-8", page) })
	r.Get("/discover", func(c *tako.Context) error { return c.Bytes(http.StatusOK, "text/html; charset=utf-8", discover) })
	r.Get("/asset/{n}", func(c *tako.Context) error { return c.Text(http.StatusOK, "asset "+c.Param("n")) })
	addWebSockets(r)
	addGRPC(r.Group("/tako.conformance.Echo"), w)
	return r
}

// echo sends the body back while it comes.
func echo(c *tako.Context) error {
	if err := c.EnableFullDuplex(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := c.WriteHead(http.StatusOK); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	buf := make([]byte, 32<<10)
	for {
		n, err := c.Body().Read(buf)
		if n > 0 {
			if _, err := c.Write(buf[:n]); err != nil {
				return err
			}
			if err := c.Flush(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func sendBig(c *tako.Context) error {
	n, err := strconv.ParseInt(c.Param("n"), 10, 64)
	if err != nil || n < 0 || n > maxBig {
		return c.Text(http.StatusBadRequest, "a number of bytes is needed")
	}
	c.Header().Set("Content-Length", strconv.FormatInt(n, 10))
	return c.Stream(http.StatusOK, "application/octet-stream", io.LimitReader(rand.NewChaCha8(bigSeed), n))
}

func sum(c *tako.Context) error {
	h := sha256.New()
	n, err := io.Copy(h, c.Body())
	if err != nil {
		return err
	}
	return c.Text(http.StatusOK, fmt.Sprintf("%x %d\n", h.Sum(nil), n))
}

// refuse answers without reading the body.
func refuse(c *tako.Context) error { return c.Text(http.StatusForbidden, "refused\n") }

func earlyHints(c *tako.Context) error {
	if err := c.EarlyHints("</style.css>; rel=preload; as=style"); err != nil {
		return err
	}
	return c.Text(http.StatusOK, "after the hints\n")
}

func trailers(c *tako.Context) error {
	c.Header().Set("Content-Type", "text/plain")
	c.Trailer().Set("X-Checksum", "abc")
	if _, err := c.WriteString("before the trailers\n"); err != nil {
		return err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	c.Trailer().Set("X-Status", "done")
	return nil
}

// returnTrailers answers with the trailers of the request as its own.
func returnTrailers(c *tako.Context) error {
	if _, err := io.Copy(io.Discard, c.Body()); err != nil {
		return err
	}
	for name, value := range c.RequestTrailers() {
		c.Trailer().Add(name, value)
	}
	_, err := c.WriteString("with your trailers\n")
	return err
}

// stream sends n lines, one every ms milliseconds, as an event stream.
func stream(c *tako.Context) error {
	n, errN := strconv.Atoi(c.Query("n"))
	ms, errMS := strconv.Atoi(c.Query("ms"))
	if errN != nil || errMS != nil || n < 0 || n > maxLines || ms < 1 || ms > maxPause {
		return c.Text(http.StatusBadRequest, "n and ms are needed")
	}
	c.Header().Set("Content-Type", "text/event-stream")
	c.Header().Set("Cache-Control", "no-store")
	tick := time.NewTicker(time.Duration(ms) * time.Millisecond)
	defer tick.Stop()
	for i := range n {
		if _, err := fmt.Fprintf(c, "data: %d\n\n", i); err != nil {
			return err
		}
		if err := c.Flush(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-c.Context().Done():
			return c.Context().Err()
		}
	}
	return nil
}
