package drainonce

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

func TestDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, calls, broken := New(), 0, errors.New("broken")
		drain := func(context.Context) (tako.Report, error) {
			calls++
			time.Sleep(time.Minute)
			return tako.Report{Drained: 3}, broken
		}
		want := tako.Report{Drained: 3, Elapsed: time.Minute}
		results := make(chan tako.Report, 3)
		for range 2 {
			go func() {
				report, err := o.Do(t.Context(), drain)
				assert.ErrorIs(t, err, broken)
				results <- report
			}()
		}
		synctest.Wait()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := o.Do(soon, drain)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, <-results, want)
		assert.Equal(t, <-results, want)
		<-o.Done()
		report, err := o.Do(soon, drain) // the result is there, whatever ctx says
		assert.ErrorIs(t, err, broken)
		assert.Equal(t, report, want)
		assert.Equal(t, calls, 1)
	})
}
