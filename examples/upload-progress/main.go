// Command upload-progress takes files and tells how far they are: the page draws a bar from
// server-sent events of another request, which name the upload by an ID of its own.
//
//	go run ./examples/upload-progress
//	open http://localhost:8080
//	curl -N localhost:8080/uploads/1/progress &
//	curl --limit-rate 1M --data-binary @large.bin localhost:8080/uploads/1
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/sse"
)

type upload struct {
	ID string `path:"id" maxLength:"64"`
}

type receipt struct {
	Size int64  `json:"size"`
	Sum  string `json:"sha256"`
}

// uploads keeps nothing of what is uploaded but its sum.
type uploads struct{ progress *sse.Uploads }

func (u uploads) take(c *tako.Context) error {
	if err := u.progress.Track(c, c.Param("id")); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(sum, c.Body())
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, receipt{n, hex.EncodeToString(sum.Sum(nil))})
}

func (u uploads) watch(_ context.Context, in upload) (sse.Stream[sse.UploadProgress], error) {
	return u.progress.Stream(in.ID), nil
}

const page = `<!doctype html><title>Upload</title>
<h1>Upload</h1>
<input type=file> <progress value=0 max=1></progress> <output></output>
<script>
const bar = document.querySelector("progress"), out = document.querySelector("output")
document.querySelector("input").onchange = async e => {
  const file = e.target.files[0], id = crypto.randomUUID()
  const events = new EventSource("/uploads/" + id + "/progress")
  events.onmessage = e => {
    const p = JSON.parse(e.data)
    if (p.total > 0) bar.value = p.read / p.total
    if (p.done) events.close() // it would connect again
  }
  const resp = await fetch("/uploads/" + id, {method: "POST", body: file})
  out.textContent = resp.ok ? (await resp.json()).sha256 : "failed: " + resp.status
}
</script>`

func app() *tako.Router {
	r := tako.New()
	u := uploads{sse.NewUploads(sse.UploadsConfig{Progress: tako.ProgressConfig{Interval: 50 * time.Millisecond}})}
	r.Get("/", func(c *tako.Context) error { return c.Bytes(http.StatusOK, "text/html; charset=utf-8", []byte(page)) })
	r.Post("/uploads/{id}", u.take, tako.BodyLimit(10<<30))
	tako.Get(r, "/uploads/{id}/progress", u.watch)
	return r
}

func main() {
	if _, err := tako.Run(context.Background(), std.New(app(), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
