package boot

import (
	"fmt"
	"net/http"
)

// Serve serves a mux over HTTP/1.1 until the process ends.
func Serve(mux *http.ServeMux) {
	server := &http.Server{Handler: mux}
	Fail(fmt.Errorf("serve: %w", server.Serve(Listen())))
}
