package ws_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/openapi"
	"github.com/tako-go/tako/stream/ws"
)

// TestOpens reads the document of a route of sockets.
func TestOpens(t *testing.T) {
	t.Parallel()
	type value struct {
		Name        string                     `json:"name"`
		Required    bool                       `json:"required"`
		Description string                     `json:"description"`
		Schema      struct{ Enum, Type any }   `json:"schema"`
		Headers     map[string]json.RawMessage `json:"headers"`
	}
	operation := func(cfg ws.Config) (params []value, responses map[string]value) {
		app := tako.New()
		app.Get("/live", ws.Events{}.Handler(cfg), ws.Opens(cfg))
		doc, err := openapi.Build(app, openapi.Config{})
		assert.NoError(t, err)
		var got struct {
			Paths map[string]map[string]struct {
				Parameters []value          `json:"parameters"`
				Responses  map[string]value `json:"responses"`
			} `json:"paths"`
		}
		assert.NoError(t, json.Unmarshal(doc.JSON(), &got))
		assert.Equal(t, slices.Collect(maps.Keys(got.Paths["/live"])), []string{"get"})
		op := got.Paths["/live"]["get"]
		assert.Equal(t, slices.Sorted(maps.Keys(op.Responses)), []string{"101", "200", "400", "403", "426", "501", "default"})
		return op.Parameters, op.Responses
	}
	params, responses := operation(ws.Config{})
	assert.Equal(t, len(params), 0)
	assert.Equal(t, len(responses["101"].Headers), 0)

	params, responses = operation(ws.Config{Subprotocols: []string{"v2.reef", "v1.reef"}, RequireSubprotocol: true})
	assert.Equal(t, len(params), 1)
	assert.Equal(t, params[0].Name, "Sec-WebSocket-Protocol")
	assert.Equal(t, params[0].Required, true)
	assert.Contains(t, responses["400"].Description, "subprotocols")
	for _, status := range []string{"101", "200"} {
		var chosen value
		assert.NoError(t, json.Unmarshal(responses[status].Headers["Sec-WebSocket-Protocol"], &chosen))
		assert.Equal(t, chosen.Schema.Enum, any([]any{"v2.reef", "v1.reef"}))
	}
}

// TestOpensMistake: a Config that makes no sense is known before the first request.
func TestOpensMistake(t *testing.T) {
	t.Parallel()
	for _, cfg := range []ws.Config{{RequireSubprotocol: true}, {Origins: []string{"nowhere"}}} {
		app := tako.New()
		app.Get("/live", ws.Events{}.Handler(cfg), ws.Opens(cfg))
		err := app.Build()
		if err == nil {
			t.Fatalf("%+v is taken", cfg)
		}
		assert.Contains(t, err.Error(), "ws: ")
	}
}
