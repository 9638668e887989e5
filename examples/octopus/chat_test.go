package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// carrier is a client over one of the transports, in the lagoon.
type carrier struct {
	write func(in said)
	read  func() told
	leave func()
}

// bySocket opens a WebSocket.
func bySocket(t *testing.T, o *octopus) carrier {
	t.Helper()
	c, _, err := ws.Dial(t.Context(), "ws://"+o.addr("http")+"/api/v1/reefs/lagoon/socket", nil)
	assert.NoError(t, err)
	return carrier{
		write: func(in said) { assert.NoError(t, ws.WriteJSON(t.Context(), c, in)) },
		read: func() told {
			got, err := ws.ReadJSON[told](t.Context(), c)
			assert.NoError(t, err)
			return got
		},
		leave: func() { _ = c.Close(ws.CodeNormal, "") },
	}
}

// byEvents listens as an EventSource does, which cannot write.
func byEvents(t *testing.T, o *octopus) carrier {
	t.Helper()
	resp := o.get(t, http.DefaultTransport, "http://"+o.addr("http")+"/api/v1/reefs/lagoon/events")
	lines := bufio.NewScanner(resp.Body)
	return carrier{
		read: func() (got told) {
			assert.NoError(t, json.Unmarshal([]byte(nextEvent(t, lines)["data"]), &got))
			return got
		},
		leave: func() { _ = resp.Body.Close() },
	}
}

// What is written over a socket is heard over all that listens. Sessions of WebTransport are tested
// with a browser, in conformance.
func TestChat(t *testing.T) {
	for _, runtime := range []string{"std", "loop"} {
		t.Run(runtime, func(t *testing.T) {
			o := start(t, settings{listen: everyProtocol, runtime: runtime, demo: true, drain: patience})
			token := memberOf(t, o)
			socket, other, events := bySocket(t, o), bySocket(t, o), byEvents(t, o)
			assert.Equal(t, socket.read(), told{Type: "joined"})
			assert.Equal(t, other.read(), told{Type: "joined"})
			all := []carrier{socket, other, events}
			socket.write(said{Ref: 7, Token: token, Text: "hello"})
			for _, c := range all {
				got := c.read()
				assert.Equal(t, got.Type, reef.Posted)
				assert.Equal(t, got.Message.Author+": "+got.Message.Text, "nemo: hello")
			}
			answer := socket.read()
			assert.Equal(t, answer.Type, "written")
			assert.Equal(t, answer.Ref, int64(7))
			refuses(t, socket, token)
			for _, c := range all {
				c.leave()
			}
			text, err := o.end()
			assert.NoError(t, err)
			assert.Contains(t, text, "cut 0")
		})
	}
}

// refuses has a socket refuse what the API refuses; it can be used on.
func refuses(t *testing.T, c carrier, token string) {
	t.Helper()
	tests := []struct {
		in     said
		status int
	}{
		{said{Ref: 1, Text: "from a guest"}, 401},
		{said{Ref: 2, Token: "nonsense", Text: "from nobody"}, 401},
		{said{Ref: 3, Token: token, Text: " "}, 422},
		{said{Ref: 4, Token: token, Text: strings.Repeat("x", 2001)}, 422},
	}
	for _, tt := range tests {
		c.write(tt.in)
		got := c.read()
		assert.Equal(t, got.Type, "refused")
		assert.Equal(t, got.Status, tt.status, tt.in.Text)
		if strings.Contains(got.Detail, token) {
			t.Errorf("the token is in %q", got.Detail)
		}
	}
}

// memberOf signs nemo up and returns the token.
func memberOf(t *testing.T, o *octopus) string {
	t.Helper()
	resp, err := http.Post("http://"+o.addr("http")+"/api/v1/users", "application/json",
		strings.NewReader(`{"name":"nemo","password":"eight arms"}`))
	assert.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, resp.StatusCode, http.StatusCreated)
	var in signedIn
	assert.NoError(t, json.NewDecoder(resp.Body).Decode(&in))
	return in.Token
}

// Sockets are for pages of this site, and for reefs that there are.
func TestSocketRefusals(t *testing.T) {
	o := start(t, settings{listen: "http://127.0.0.1:0", runtime: "loop", demo: true, drain: patience})
	tests := []struct {
		path, origin string
		status       int
	}{
		{"/api/v1/reefs/lagoon/socket", "https://elsewhere.example", 403},
		{"/api/v1/reefs/desert/socket", "", 404},
	}
	for _, tt := range tests {
		header := http.Header{}
		if tt.origin != "" {
			header.Set("Origin", tt.origin)
		}
		_, _, err := ws.Dial(t.Context(), "ws://"+o.addr("http")+tt.path, &ws.DialConfig{Header: header})
		refused, ok := errors.AsType[*ws.HandshakeError](err)
		if !ok || refused.Status != tt.status {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
	resp := o.get(t, http.DefaultTransport, "http://"+o.addr("http")+"/api/v1/reefs/lagoon/socket")
	assert.Equal(t, resp.StatusCode, http.StatusUpgradeRequired)
	resp = o.get(t, http.DefaultTransport, "http://"+o.addr("http")+"/api/v1/reefs/lagoon/session")
	assert.Equal(t, resp.StatusCode, http.StatusMethodNotAllowed)
}
