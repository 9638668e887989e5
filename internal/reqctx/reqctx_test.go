package reqctx_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/reqctx"
)

var errFirst, errSecond = errors.New("first"), errors.New("second")

// ended reports whether Done is closed.
func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// A context ends with its first cause, whenever it is asked for what.
func TestEnd(t *testing.T) {
	for name, before := range map[string]func(c *reqctx.Context){
		"never asked":  func(*reqctx.Context) {},
		"asked Err":    func(c *reqctx.Context) { assert.NoError(t, c.Err()) },
		"asked Done":   func(c *reqctx.Context) { assert.Equal(t, ended(c), false) },
		"asked Value":  func(c *reqctx.Context) { assert.Equal(t, c.Value("key"), nil) },
		"asked for it": func(c *reqctx.Context) { assert.NoError(t, context.Cause(c)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := new(reqctx.Context)
			before(c)
			c.End(errFirst)
			c.End(errSecond)
			assert.ErrorIs(t, c.Err(), context.Canceled)
			assert.Equal(t, ended(c), true, "ended")
			assert.ErrorIs(t, context.Cause(c), errFirst)
		})
	}
}

// It has no deadline, and nothing of its own.
func TestNothing(t *testing.T) {
	c := new(reqctx.Context)
	_, ok := c.Deadline()
	assert.Equal(t, ok, false, "deadline")
	assert.Equal(t, c.Value(1), nil)
	assert.NoError(t, c.Err())
	assert.NoError(t, context.Cause(c))
}

// Contexts that are made of one end with it and tell its cause.
func TestChildren(t *testing.T) {
	c := new(reqctx.Context)
	child, cancel := context.WithTimeout(context.WithValue(c, errFirst, "value"), time.Hour)
	defer cancel()
	other, cancelOther := context.WithCancel(c)
	cancelOther()
	assert.Equal(t, child.Value(errFirst), any("value"))
	called := make(chan struct{})
	context.AfterFunc(c, func() { close(called) })
	assert.NoError(t, c.Err(), "a child does not end its parent")
	c.End(errFirst)
	select {
	case <-child.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the child goes on")
	}
	assert.ErrorIs(t, context.Cause(child), errFirst)
	assert.ErrorIs(t, context.Cause(other), context.Canceled)
	select {
	case <-called:
	case <-time.After(10 * time.Second):
		t.Fatal("AfterFunc was not called")
	}
}

// Everything may be called at once.
func TestConcurrently(t *testing.T) {
	for range 200 {
		c := new(reqctx.Context)
		var wg sync.WaitGroup
		for _, cause := range []error{errFirst, errSecond} {
			wg.Go(func() { c.End(cause) })
			wg.Go(func() { <-c.Done() })
			wg.Go(func() {
				if err := c.Err(); err != nil && context.Cause(c) == nil {
					t.Error("an end without a cause")
				}
			})
		}
		wg.Wait()
		if cause := context.Cause(c); cause != errFirst && cause != errSecond {
			t.Errorf("got %v", cause)
		}
	}
}

// One that nobody waits for allocates nothing but itself.
func TestAllocations(t *testing.T) {
	got := testing.AllocsPerRun(100, func() {
		var c reqctx.Context
		_ = c.Err()
		c.End(errFirst)
		_ = c.Err()
	})
	if got > 1 {
		t.Errorf("got %v allocations", got)
	}
}
