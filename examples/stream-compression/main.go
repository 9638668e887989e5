// Command stream-compression sends and takes compressed bodies while they are made: a stream
// of readings, one each second, that a client can decode line by line, a report that is
// written as it is counted, and logs that arrive compressed.
//
//	go run ./examples/stream-compression
//	curl -N --compressed localhost:8080/readings
//	curl -sH 'Accept-Encoding: zstd' localhost:8080/report | zstd -d | tail -n 1
//	gzip -c go.sum | curl -H 'Content-Encoding: gzip' --data-binary @- localhost:8080/logs
//	head -c 1G /dev/zero | gzip | curl -H 'Content-Encoding: gzip' --data-binary @- localhost:8080/logs   # 413
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/middleware/compress"
	"github.com/tako-go/tako/runtime/std"
)

// readings flushes each line, so that it reaches the client at once.
func readings(every time.Duration) tako.Handler {
	return func(c *tako.Context) error {
		c.Header().Set("Content-Type", "application/x-ndjson")
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			_, err := fmt.Fprintf(c, "{\"reading\":%d,\"tank\":\"reef\",\"degrees\":%.1f}\n", i, 20+float64(i%10)/10)
			if err := errors.Join(err, c.Flush()); err != nil {
				return err
			}
			select {
			case <-tick.C:
			case <-c.Draining():
				return nil
			case <-c.Context().Done():
				return c.Context().Err()
			}
		}
	}
}

// report is large, and nowhere as a whole: the encoder flushes when it has enough.
func report(c *tako.Context) error {
	c.Header().Set("Content-Type", "text/csv")
	w := bufio.NewWriter(c)
	for i := range 200_000 {
		if _, err := fmt.Fprintf(w, "%d,octopus,%d\n", i, i*i%997); err != nil {
			return err
		}
	}
	return w.Flush()
}

// logs counts lines, however long they are. The limit of the route holds for what the body
// becomes.
func logs(c *tako.Context) error {
	lines, buf := 0, make([]byte, 32<<10)
	for {
		n, err := c.Body().Read(buf)
		lines += bytes.Count(buf[:n], []byte("\n"))
		if err == io.EOF {
			return c.JSON(200, map[string]int{"lines": lines})
		}
		if err != nil {
			return err
		}
	}
}

func app(every time.Duration) *tako.Router {
	r := tako.New()
	r.Use(compress.Responses(compress.Config{}), compress.Requests(compress.RequestConfig{}))
	r.Get("/readings", readings(every))
	r.Get("/report", report)
	r.Post("/logs", logs, tako.BodyLimit(8<<20))
	return r
}

func main() {
	if _, err := tako.Run(context.Background(), std.New(app(time.Second), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
