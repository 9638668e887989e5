package tako_test

import (
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/takotest"
)

// TestTimeoutTakesNothing: what a handler has set is not in the answer to its timeout, at whatever
// moment it ends: when its time is over, or as soon as it is told.
func TestTimeoutTakesNothing(t *testing.T) {
	t.Parallel()
	for name, takes := range map[string]time.Duration{"when it is told": 0, "just then": time.Second, "later": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				app := tako.New()
				app.Log(slog.New(slog.DiscardHandler))
				app.Get("/", func(c *tako.Context) error {
					c.Header().Set("X-Inner", "1")
					assert.NoError(t, c.SetCookie(&http.Cookie{Name: "inner", Value: "1"}))
					c.BeforeHead(func(h *tako.Head) { h.Header.Set("X-Hook", "1") })
					if takes == 0 {
						<-c.Context().Done()
					}
					time.Sleep(takes)
					return tako.BadRequest("late")
				}, tako.Timeout(time.Second))
				s := takotest.New(t, app)
				for range 50 {
					resp := s.Get("/")
					if takes == time.Second && resp.StatusCode == 400 {
						continue
					}
					resp.Expect(503)
					for _, field := range []string{"X-Inner", "Set-Cookie", "X-Hook"} {
						assert.Equal(t, resp.Header.Get(field), "", field)
					}
				}
				time.Sleep(2 * time.Minute)
			})
		})
	}
}
