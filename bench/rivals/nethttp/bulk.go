package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

var chunk = bytes.Repeat([]byte{'x'}, 64<<10)

// sendBytes writes as many bytes as the path asks for, as our server does.
func sendBytes(w http.ResponseWriter, req *http.Request) {
	n, err := strconv.Atoi(req.PathValue("n"))
	if err != nil || n < 0 {
		http.Error(w, "n is no length", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	for n > 0 {
		part, err := w.Write(chunk[:min(n, len(chunk))])
		if err != nil {
			return
		}
		n -= part
	}
}

func upload(w http.ResponseWriter, req *http.Request) {
	n, err := io.Copy(io.Discard, req.Body)
	if err != nil {
		return
	}
	answer(w, http.StatusOK, struct {
		Bytes int64 `json:"bytes"`
	}{n})
}
