package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestTogether(t *testing.T) {
	got, err := together(t.Context(), 3, 50*time.Millisecond, func(_ context.Context, id int, until time.Time) (*tally, error) {
		own := &tally{lost: int64(id)}
		own.Add(time.Duration(id + 1))
		if d := time.Until(until); d > 50*time.Millisecond {
			return nil, errors.New("too long")
		}
		return own, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Requests != 3 || got.Lost != 3 || got.P50 != 2 || got.P99 != 3 {
		t.Errorf("got %+v", got.counts)
	}
	if _, err := together(t.Context(), 1, time.Minute, func(context.Context, int, time.Time) (*tally, error) { return new(tally), nil }); err == nil {
		t.Error("nothing was counted, and that is no error")
	}
}

func TestTogetherEndsWithTheFirstError(t *testing.T) {
	fault := errors.New("fault")
	_, err := together(t.Context(), 2, time.Minute, func(ctx context.Context, id int, until time.Time) (*tally, error) {
		if id == 0 {
			return nil, fault
		}
		return again(ctx, until, func() error { return nil })
	})
	if !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}
