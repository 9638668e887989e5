package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako/examples/octopus/upload"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
	"github.com/tako-go/tako/takotest"
)

// A sound is played from any point; what users have brought runs nowhere.
func TestFiles(t *testing.T) {
	srv := newTest(t)
	nemo := signUp(t, srv, "nemo")
	assert.Contains(t, srv.Get("/files/").Expect(200).Text, `<a href="./1-tide.wav">`)
	whole := tide(30)
	part := srv.Get("/files/1-tide.wav", takotest.Header("Range", "bytes=100000-100009")).Expect(206).
		ExpectHeader("Content-Range", "bytes 100000-100009/240044").ExpectHeader("Content-Type", "audio/wav")
	assert.Equal(t, part.Text, string(whole[100000:100010]))

	var f upload.File
	srv.Post("/api/v1/uploads?name=a%20page.html", nemo, takotest.Body("text/html", "<script>")).Expect(201).JSON(&f)
	assert.Equal(t, f.Entry, "2-a_page.html")
	page := srv.Get("/files/" + f.Entry).Expect(200).ExpectText("<script>")
	assert.Contains(t, page.Header.Get("Content-Security-Policy"), "sandbox")
	assert.Contains(t, page.Header.Get("Content-Disposition"), "attachment")
}

func TestTide(t *testing.T) {
	sound := tide(2)
	assert.Equal(t, len(sound), 44+2*sampleRate)
	assert.Equal(t, int(binary.LittleEndian.Uint32(sound[40:])), 2*sampleRate)
	if bytes.Count(sound[44:], sound[44:45]) == 2*sampleRate {
		t.Error("it is silent")
	}
}

// An upload is watched by the id that its page has made up.
func TestProgress(t *testing.T) {
	srv := takotest.Serve(t, newApp(t))
	nemo := signUp(t, srv, "nemo")
	watched := srv.Open("GET", "/api/v1/upload-progress/shells")
	assert.Equal(t, watched.StatusCode, http.StatusOK)
	const at = "/api/v1/uploads?name=shells&progress=shells"
	content := takotest.Body("text/plain", strings.Repeat("shell", 100_000))
	srv.Post(at, content).Problem(401) // which does not use the id up
	srv.Post(at, nemo, content).Expect(201)
	var last sse.UploadProgress
	for lines := bufio.NewScanner(watched.Body); !last.Done; {
		before := last.Read
		assert.NoError(t, json.Unmarshal([]byte(nextEvent(t, lines)["data"]), &last))
		if last.Read < before {
			t.Errorf("got %d bytes behind %d", last.Read, before)
		}
	}
	assert.Equal(t, last, sse.UploadProgress{Read: 500_000, Total: 500_000, Done: true})
	srv.Post(at, nemo, content).Problem(409)
}

// A page is told what it can choose from.
func TestTransports(t *testing.T) {
	for list, want := range map[string]bool{"http://127.0.0.1:0": false, "https://127.0.0.1:0,h3://127.0.0.1:0": true} {
		s := newLines(t)
		_, err := listeners(settings{listen: list, runtime: "std"}, s, s.app())
		assert.NoError(t, err)
		assert.Equal(t, s.reach.WebTransport, want)
		assert.Equal(t, s.reach.CertificateHash != "", want)
		assert.Contains(t, takotest.New(t, s.app()).Get("/api/v1/transports").Expect(200).Text, `"webTransport":`)
	}
}
