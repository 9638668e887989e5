package live

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 says so
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Key is what all handshakes have.
const Key = "dGhlIHNhbXBsZSBub25jZQ=="

// headLimit is the longest head of a response.
const headLimit = 4 << 10

// Request is the head that opens a WebSocket.
func Request(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + Key + "\r\n\r\n"
}

func subscription(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"
}

// CheckOpened makes sure that the response opens a WebSocket.
func CheckOpened(resp *http.Response) error {
	sum := sha1.Sum([]byte(Key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	want := base64.StdEncoding.EncodeToString(sum[:])
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return fmt.Errorf("status %d, want 101", resp.StatusCode)
	case resp.Header.Get("Sec-WebSocket-Accept") != want:
		return fmt.Errorf("the key is answered %q, want %q", resp.Header.Get("Sec-WebSocket-Accept"), want)
	case resp.Header.Get("Sec-WebSocket-Extensions") != "":
		return errors.New("an extension nobody asked for")
	}
	return nil
}

func checkSubscribed(resp *http.Response) error {
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(kind, "text/event-stream") {
		return fmt.Errorf("status %d with %q, want 200 with text/event-stream", resp.StatusCode, kind)
	}
	return nil
}

// readHead reads a response without its body, of which the beginning may come with it.
func readHead(r io.Reader) (resp *http.Response, rest []byte, err error) {
	text := make([]byte, 0, headLimit)
	for {
		n, err := r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		if head, rest, whole := bytes.Cut(text, []byte("\r\n\r\n")); whole {
			all := io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n"))
			resp, err := http.ReadResponse(bufio.NewReader(all), nil)
			return resp, rest, err
		}
		if err != nil {
			return nil, nil, fmt.Errorf("no response: %w", err)
		}
		if len(text) == cap(text) {
			return nil, nil, errors.New("the head of the response is too long")
		}
	}
}
