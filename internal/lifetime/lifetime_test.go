package lifetime

import (
	"sync"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// The setting lasts for the process, so one test sees all of it.
func TestStrict(t *testing.T) {
	assert.Equal(t, IsStrict(), raceEnabled, "before anybody asked")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			Strict()
			assert.Equal(t, IsStrict(), true)
		})
	}
	wg.Wait()
	assert.Equal(t, IsStrict(), true)
}
