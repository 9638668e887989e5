package extract

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, body string
		status     int
		absent     bool
	}{
		{"text/plain", "ü", 200, false}, {"TEXT/html; Charset=UTF-8", "ü", 200, false}, {`text/csv; charset="utf8"`, "a", 200, false},
		{"text/plain; charset=us-ascii", "a", 200, false}, {"text/plain; charset=US-ASCII", "ü", 400, false}, {"text/plain; charset=ascii", "a", 200, false},
		{"text/plain", "\xff", 400, false}, {"text/plain", "", 200, false}, {"text/plain; charset=", "a", 415, false},
		{"text/plain; charset=latin1", "a", 415, false}, {"textplain", "a", 415, false}, {"text/", "a", 415, false}, {"textual/x", "a", 415, false},
		{"application/json", "a", 415, false}, {"text/plain; charset=\"", "a", 415, false}, {"", "a", 415, false}, {"", "", 400, true},
	} {
		app := tako.New()
		app.Post("/", func(c *tako.Context) error {
			text, err := tako.Extract[Text](c)
			assert.Equal(t, errors.Is(err, tako.ErrAbsent), tt.absent, tt.kind)
			if err != nil {
				assert.Equal(t, text, Text(""))
				return err
			}
			return c.Text(200, string(text))
		})
		w := httptest.NewRecorder()
		r := newBodyRequest(tt.kind, tt.body)
		app.ServeHTTP(w, r)
		assert.Equal(t, w.Code, tt.status, tt.kind, " ", w.Body.String())
		if tt.status == 200 {
			assert.Equal(t, w.Body.String(), tt.body)
		}
	}
}

func newBodyRequest(kind, body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}
