package sse_test

import (
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/sse"
)

// An ID that a client could not send back is refused, by a limit that can be set.
func TestOutsideMaxID(t *testing.T) {
	for _, tt := range []struct{ limit, longest int }{{0, 1024}, {3, 3}, {tako.NoLimit, 100_000}} {
		hub := sse.NewHub[string](sse.HubConfig{Stream: sse.Config{MaxID: tt.limit}})
		assert.NoError(t, hub.Publish("topic", sse.Event[string]{ID: strings.Repeat("x", tt.longest)}), tt.limit)
		if tt.limit != tako.NoLimit {
			assert.ErrorIs(t, hub.Publish("topic", sse.Event[string]{ID: strings.Repeat("x", tt.longest+1)}), sse.ErrEvent, tt.limit)
		}
		assert.ErrorIs(t, hub.Publish("topic", sse.Event[string]{ID: "a\x01"}), sse.ErrEvent)
		hub.Close()
	}
}
