package main

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// block reads up to the next empty line.
func block(t *testing.T, r *bufio.Reader) (text string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		assert.NoError(t, err)
		if line == "\n" {
			return text
		}
		text += line
	}
}

func field(t *testing.T, block, name string) string {
	t.Helper()
	for line := range strings.Lines(block) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSuffix(value, "\n")
		}
	}
	t.Errorf("no %s in %q", name, block)
	return ""
}

func TestSightings(t *testing.T) {
	srv := takotest.Serve(t, app())
	resp := srv.Open("GET", "/sightings/crabs")
	assert.Equal(t, resp.Header.Get("Content-Type"), "text/event-stream")
	events := bufio.NewReader(resp.Body)
	assert.Equal(t, block(t, events), "retry: 1000\n")
	block(t, events) // the ID to go on from
	report := func(what string) {
		srv.Post("/sightings/crabs", takotest.JSON(sighting{What: what})).Expect(http.StatusNoContent)
	}
	report("a red one")
	got := block(t, events)
	assert.Equal(t, field(t, got, "event"), "sighting")
	assert.Contains(t, field(t, got, "data"), `"what":"a red one"`)
	id := field(t, got, "id")
	_ = resp.Body.Close()

	report("a blue one")
	resp = srv.Open("GET", "/sightings/crabs", takotest.Header("Last-Event-ID", id))
	defer resp.Body.Close()
	events = bufio.NewReader(resp.Body)
	block(t, events)
	assert.Contains(t, block(t, events), "a blue one")
	srv.Post("/sightings/crabs", takotest.JSON(sighting{})).Problem(http.StatusUnprocessableEntity)
}

func TestClock(t *testing.T) {
	resp := takotest.New(t, app()).Open("GET", "/clock")
	defer resp.Body.Close()
	assert.Contains(t, block(t, bufio.NewReader(resp.Body)), `data: "20`)
}

func TestPage(t *testing.T) {
	resp := takotest.New(t, app()).Get("/").Expect(http.StatusOK)
	assert.Contains(t, resp.Text, "EventSource")
}
