package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

func TestReadings(t *testing.T) {
	srv := takotest.Serve(t, app(time.Millisecond))
	resp := srv.Open("GET", "/readings", takotest.Header("Accept-Encoding", "gzip"))
	defer resp.Body.Close()
	assert.Equal(t, resp.Header.Get("Content-Encoding"), "gzip")
	body, err := gzip.NewReader(resp.Body)
	assert.NoError(t, err)
	lines := bufio.NewScanner(body)
	for _, want := range []string{`{"reading":0,"tank":"reef","degrees":20.0}`, `{"reading":1,"tank":"reef","degrees":20.1}`} {
		assert.Equal(t, lines.Scan(), true, "a line before the end")
		assert.Equal(t, lines.Text(), want)
	}
}

func TestReport(t *testing.T) {
	srv := takotest.Serve(t, app(time.Second))
	plain := srv.Get("/report").Expect(200).ExpectHeader("Vary", "Accept-Encoding")
	resp := srv.Open("GET", "/report", takotest.Header("Accept-Encoding", "gzip"))
	defer resp.Body.Close()
	body, err := gzip.NewReader(resp.Body)
	assert.NoError(t, err)
	text, err := io.ReadAll(body)
	assert.NoError(t, err)
	plain.ExpectText(string(text))
	assert.Equal(t, strings.Count(string(text), ",octopus,"), 200_000)
}

func TestLogs(t *testing.T) {
	srv := takotest.Serve(t, app(time.Second))
	zip := func(text string) takotest.Edit {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := io.WriteString(w, text)
		assert.NoError(t, err)
		assert.NoError(t, w.Close())
		return takotest.Body("text/plain", b.String())
	}
	gz := takotest.Header("Content-Encoding", "gzip")
	srv.Post("/logs", zip(strings.Repeat("one more\n", 1000)), gz).Expect(200).ExpectText(`{"lines":1000}`)
	srv.Post("/logs", zip(strings.Repeat("one more\n", 1_000_000)), gz).Problem(413)
	srv.Post("/logs", takotest.Body("text/plain", "no gzip"), gz).Problem(400)
}
