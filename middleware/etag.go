package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/tako-go/tako"
)

// ETagConfig configures [ETagWith].
type ETagConfig struct {
	// MaxBytes is the largest body that is held back to be hashed; larger ones and
	// streams pass without a tag.
	// Default: 1 MiB.
	MaxBytes int
	// Weak makes the tags weak, for responses that may be coded differently.
	Weak bool
}

// ETag gives 200 responses to GET and HEAD a strong entity tag made from their
// body, unless a handler has set one, and answers 304 to a client that has it
// (RFC 9110, section 13.1.2). A response that is flushed or exceeds 1 MiB passes
// as it is.
func ETag() tako.Middleware { return ETagWith(ETagConfig{}) }

// ETagWith is ETag with a configuration.
func ETagWith(cfg ETagConfig) tako.Middleware {
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 1 << 20
	}
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if m := c.Method(); m != http.MethodGet && m != http.MethodHead {
				return next(c)
			}
			c.Hold(cfg.MaxBytes, func(h *tako.Head, body []byte) error {
				tagAndMatch(c, h, body, cfg.Weak)
				return nil
			})
			return next(c)
		}
	}
}

func tagAndMatch(c *tako.Context, h *tako.Head, body []byte, weak bool) {
	if h.Status != http.StatusOK {
		return
	}
	tag := h.Header.Get("Etag")
	if tag == "" {
		// A HEAD handler that wrote no body gives nothing to hash.
		if c.Method() == http.MethodHead && int64(len(body)) != h.Length {
			return
		}
		sum := sha256.Sum256(body)
		tag = `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
		if weak {
			tag = "W/" + tag
		}
		h.Header.Set("Etag", tag)
	}
	if noneMatch := strings.Join(c.RequestHeaderValues("If-None-Match"), ","); noneMatch != "" && matches(noneMatch, tag) {
		h.Status = http.StatusNotModified
		for _, name := range []string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Range"} {
			h.Header.Del(name)
		}
	}
}

// matches compares weakly, as If-None-Match demands.
func matches(list, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for list != "" {
		list = strings.TrimLeft(list, " \t,")
		if strings.HasPrefix(list, "*") {
			return true
		}
		list = strings.TrimPrefix(list, "W/")
		if !strings.HasPrefix(list, `"`) {
			return false
		}
		end := strings.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		if list[:end+2] == tag {
			return true
		}
		list = list[end+2:]
	}
	return false
}
