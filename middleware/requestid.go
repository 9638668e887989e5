package middleware

import (
	"crypto/rand"

	"github.com/tako-go/tako"
)

// RequestIDConfig configures [RequestIDWith].
type RequestIDConfig struct {
	// Header is the field that carries the id, in any case.
	// Default: "X-Request-Id".
	Header string
	// Trust keeps an id that the request brings, if it has at most 128 visible
	// characters. Otherwise every request gets a new one.
	Trust bool
	// New makes an id.
	// Default: 26 random characters of base 32.
	New func() string
}

var requestID = tako.NewKey[string]("request id")

// RequestIDOf returns the id that [RequestID] gave to the request, "" if none.
func RequestIDOf(c *tako.Context) string {
	id, _ := requestID.Get(c)
	return id
}

// RequestID gives each request an id and sends it as X-Request-Id.
func RequestID() tako.Middleware { return RequestIDWith(RequestIDConfig{}) }

// RequestIDWith is RequestID with a configuration.
func RequestIDWith(cfg RequestIDConfig) tako.Middleware {
	if cfg.Header == "" {
		cfg.Header = "X-Request-Id"
	}
	if cfg.New == nil {
		cfg.New = rand.Text
	}
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			id := ""
			if cfg.Trust {
				id = c.RequestHeader(cfg.Header)
			}
			if !validID(id) {
				id = cfg.New()
			}
			requestID.Set(c, id)
			c.Header().Set(cfg.Header, id)
			return next(c)
		}
	}
}

func validID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != "" && len(id) <= 128
}
