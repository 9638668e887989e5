// Command files serves a page that is embedded in the program, a directory that can be
// looked through, and a sound that is made on the spot and can be played from anywhere.
//
//	go run ./examples/files -dir .
//	curl -i -H 'Range: bytes=0-9,-10' localhost:8080/files/go.mod
//	curl -I localhost:8080/files/go.mod              # the tag, for If-None-Match
//	curl -i -r 44- -o /dev/null localhost:8080/tone.wav
package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/binary"
	"flag"
	"io/fs"
	"log"
	"math"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/static"
)

//go:embed page
var embedded embed.FS

const rate = 8000 // samples a second

// tone returns seconds of a sound that rises, as a WAV file.
func tone(seconds int) []byte {
	n := seconds * rate
	var b bytes.Buffer
	for _, v := range []any{[]byte("RIFF"), uint32(36 + 2*n), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1),
		uint32(rate), uint32(2 * rate), uint16(2), uint16(16), []byte("data"), uint32(2 * n)} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	phase := 0.0
	for i := range n {
		phase += 2 * math.Pi * (220 + 10*float64(i)/rate) / rate
		_ = binary.Write(&b, binary.LittleEndian, int16(8000*math.Sin(phase)))
	}
	return b.Bytes()
}

// sound has its own content, so it says itself which state that is in.
type sound struct {
	bytes []byte
	made  time.Time
}

func (s sound) serve(c *tako.Context) error {
	c.Header().Set("Content-Type", "audio/wav")
	v := tako.Validators{ETag: `"tone-1"`, LastModified: s.made}
	return c.ServeContent(v, int64(len(s.bytes)), bytes.NewReader(s.bytes))
}

func app(dir string) (*tako.Router, error) {
	page, err := fs.Sub(embedded, "page")
	if err != nil {
		return nil, err
	}
	r := tako.New()
	r.Get("/tone.wav", sound{tone(60), time.Now()}.serve)
	// Nobody knows who has put what there, so browsers run nothing of it.
	static.Dir(r, "/files/", dir, static.Config{List: true, NoIndex: true, Untrusted: true})
	static.FS(r, "/", page, static.Config{Fallback: "index.html", Cache: static.Hashed("no-cache")})
	return r, nil
}

func main() {
	dir := flag.String("dir", ".", "directory to be looked through")
	flag.Parse()
	r, err := app(*dir)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := tako.Run(context.Background(), std.New(r, std.Config{})); err != nil {
		log.Fatal(err)
	}
}
