// Command upload takes files in two ways: as a form with a type, whose files are in
// memory or on disk until the request ends, and part by part as they come, with
// nothing kept at all.
//
//	go run ./examples/upload
//	curl -F title=Reef -F tag=blue -F photo=@reef.png -F more=@a.txt -F more=@b.txt localhost:8080/albums
//	curl -F title=Reef -F 'photo=@main.go;type=text/plain' localhost:8080/albums   # 415
//	curl -F a=@go.mod -F b=@go.sum localhost:8080/sums
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/extract"
	"github.com/tako-go/tako/runtime/std"
)

// album is a form. Its rules are those of any input; accept and maxSize are for files.
type album struct {
	Title string         `form:"title" required:"true" maxLength:"100"`
	Tags  []string       `form:"tag" maxItems:"5"`
	Photo extract.File   `file:"photo" required:"true" accept:"image/png,image/jpeg" maxSize:"5MiB"`
	More  []extract.File `file:"more"`
}

type saved struct {
	Title string           `json:"title"`
	Tags  []string         `json:"tags"`
	Photo string           `json:"photo"`
	Files map[string]int64 `json:"files"`
}

// albums keeps photos in a folder, under names of its own.
type albums struct{ dir string }

func (a albums) add(_ context.Context, in extract.MultipartForm[album]) (tako.Created[saved], error) {
	form := in.Value
	out := saved{form.Title, form.Tags, form.Photo.Name(), map[string]int64{form.Photo.Name(): form.Photo.Size()}}
	kind, err := form.Photo.DetectContentType() // what the client says is another matter
	if err != nil || kind != form.Photo.ContentType() {
		return tako.Created[saved]{}, tako.Unprocessable("the photo is no %s", form.Photo.ContentType())
	}
	for _, file := range form.More {
		out.Files[file.Name()] = file.Size() // read or not, it is gone when the request ends
	}
	name := time.Now().UTC().Format("20060102-150405.000000000")
	return tako.Created[saved]{Location: "/albums/" + name, Body: out}, form.Photo.Keep(filepath.Join(a.dir, name))
}

// sums reads a form of any size: each part passes by once.
func sums(_ context.Context, in extract.Multipart) (map[string]string, error) {
	sums := map[string]string{}
	for part, err := range in.Parts() {
		if err != nil {
			return nil, err
		}
		hash := sha256.New()
		if _, err := io.Copy(hash, part); err != nil {
			return nil, err
		}
		sums[part.Name()] = hex.EncodeToString(hash.Sum(nil))
	}
	return sums, nil
}

func app(dir string) *tako.Router {
	r := tako.New()
	r.BodyLimit(32 << 20)
	tako.Supply(r, extract.MultipartLimits{MaxParts: 20, PartTimeout: time.Minute, SpillAt: 1 << 20})
	tako.Post(r, "/albums", albums{dir}.add)
	tako.Post(r, "/sums", sums, tako.BodyLimit(tako.NoLimit))
	return r
}

func main() {
	dir, err := os.MkdirTemp("", "albums-")
	if err != nil {
		log.Fatal(err)
	}
	log.Println("photos go to", dir)
	if _, err := tako.Run(context.Background(), std.New(app(dir), std.Config{})); err != nil {
		log.Fatal(err)
	}
}
