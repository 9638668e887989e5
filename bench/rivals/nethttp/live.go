package main

import (
	"fmt"
	"io"
	"net/http"
	"sync"
)

// queue is how many events may wait for a client.
const queue = 256

// feed sends what is published to all clients as server-sent events.
type feed struct {
	mu      sync.RWMutex
	clients map[chan []byte]struct{}
}

func (f *feed) events(w http.ResponseWriter, req *http.Request) {
	inbox := make(chan []byte, queue)
	f.mu.Lock()
	f.clients[inbox] = struct{}{}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.clients, inbox)
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	to := http.NewResponseController(w)
	for {
		if to.Flush() != nil {
			return
		}
		select {
		case event := <-inbox:
			if _, err := w.Write(event); err != nil {
				return
			}
		case <-req.Context().Done():
			return
		}
	}
}

// publish encodes an event once. Clients whose queue is full do not get it.
func (f *feed) publish(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
	if err != nil {
		http.Error(w, "no body", http.StatusBadRequest)
		return
	}
	event := fmt.Appendf(nil, "data: %s\n\n", body)
	f.mu.RLock()
	defer f.mu.RUnlock()
	for inbox := range f.clients {
		select {
		case inbox <- event:
		default:
		}
	}
	w.WriteHeader(http.StatusNoContent)
}
