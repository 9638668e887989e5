//go:build unix

package tako_test

import (
	"slices"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// What two processes cannot share is served by the next one when the old one has let go.
func TestHandoverYields(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"let go", "kept"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			r := crown(t, dynasty{Yields: way})
			old := r.cmd.Process.Pid
			next := r.succeeds(old, 1)
			r.goesCleanly(old)
			r.await(2, "yielding server serves")
			want := []string{"yielding server serves", "yield", "succeed", "letting go", way, "yielding server serves"}
			who := []int{old, old, next, old, old, next}
			if way == "kept" { // it has what there is
				want[4] = "a socket was not let go of"
				assert.Contains(t, r.await(1, want[4])[0].err(), "broken")
			}
			var got []string
			var by []int
			r.mu.Lock()
			lines := slices.Clone(r.lines)
			r.mu.Unlock()
			for _, l := range lines {
				if slices.Contains(want, l.Msg) {
					got, by = append(got, l.Msg), append(by, l.Self)
				}
			}
			assert.Equal(t, got, want, "what happened")
			assert.Equal(t, by, who, "who did it")
			assert.Equal(t, r.look("").Pid, next, "who serves")
			r.abdicate(next)
		})
	}
}
