package tako

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// A panicError is a recovered panic. Its text is never sent.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprint("panic: ", e.value) }

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// PanicStack returns the stack of a panic that the framework or
// middleware.Recover turned into err, nil if err is no panic.
func PanicStack(err error) []byte {
	if p, ok := errors.AsType[*panicError](err); ok {
		return p.stack
	}
	return nil
}

// RecoverError returns the error for a recovered value v, with the stack of the
// calling goroutine: it is called by the deferred function that recovered.
// [http.ErrAbortHandler] is returned as it is.
func RecoverError(v any) error {
	if v == http.ErrAbortHandler {
		return http.ErrAbortHandler
	}
	return &panicError{v, debug.Stack()}
}

// recovered turns a panic into *err. It is deferred.
func (c *Context) recovered(err *error) {
	if v := recover(); v != nil {
		*err = RecoverError(v)
	}
}

// failed answers for a handler that returned err, and reports whether that could
// not be done because a response was under way, or nobody waits for it.
func (c *Context) failed(err error) bool {
	err = c.judge(err)
	if c.err == nil || err != http.ErrAbortHandler { // a branch may have told the true reason
		c.err = err
	}
	if c.upgraded || c.sent || gone(err) || PanicStack(err) != nil {
		c.logFailure(err)
	}
	if c.upgraded {
		return true
	}
	if !c.sent && !gone(err) {
		c.rewind(err)
		again := c.render(err)
		// An error handler may have found the error to be harmless.
		if PanicStack(err) == nil && (again != nil || c.status >= 500) {
			c.logFailure(err)
		}
		if again == nil {
			return false
		}
		if !samePanic(err, again) && again != err {
			c.logFailure(again)
		}
		if !c.sent && !gone(again) {
			return c.plainFailure()
		}
		err = again
	}
	if c.body != nil {
		_ = c.breakOff(err)
	}
	c.ex.Abort()
	return true
}

// judge tells a client that left from a failure, and puts a panic in the place of
// an error that cannot be looked at.
func (c *Context) judge(err error) (judged error) {
	defer c.recovered(&judged)
	_ = AsError(err).Error()
	if c.clientLeft(err) {
		return leftBy(err)
	}
	return err
}

// leftBy says that a client has gone in front of err, unless that says so.
func leftBy(err error) error {
	if errors.Is(err, ErrClientGone) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrClientGone, err)
}

// clientLeft reports whether err is what the end of the request's context, or of
// its connection, made of the handler's work.
func (c *Context) clientLeft(err error) bool {
	ctx := c.ex.Context()
	return ctx.Err() != nil && context.Cause(ctx) != ErrTimeout && PanicStack(err) == nil &&
		(c.sent || errors.Is(err, context.Canceled))
}

// samePanic reports whether a hook has panicked again for the error response.
func samePanic(a, b error) bool {
	return PanicStack(a) != nil && PanicStack(b) != nil && a.Error() == b.Error()
}

func gone(err error) bool {
	return errors.Is(err, ErrClientGone) || errors.Is(err, http.ErrAbortHandler)
}

// rewind forgets a response that was begun but never sent.
func (c *Context) rewind(err error) {
	if c.opened && c.body != nil {
		_ = c.breakOff(err)
	}
	if c.saved != nil {
		c.header.assign(c.saved)
		c.saved = nil
	}
	c.header.err = nil
	c.opened, c.opening, c.ended, c.headErr, c.body, c.left, c.written = false, false, false, nil, nil, -1, 0
	clear(c.wraps)
	c.wraps = c.wraps[:0]
}

// breakOff closes the stages of a broken body, unless they were closed already.
func (c *Context) breakOff(err error) (e error) {
	if c.ended {
		return nil
	}
	c.ended = true
	defer c.recovered(&e)
	return c.body.Close(err)
}

func (c *Context) render(err error) (e error) {
	defer c.recovered(&e)
	if e = c.fail(err); e != nil {
		return e
	}
	return c.complete()
}

// plainFailure is the last resort when error handlers and hooks fail themselves.
func (c *Context) plainFailure() (aborted bool) {
	c.rewind(nil)
	clear(c.layers)
	c.layers = c.layers[:0]
	c.header.reset()
	err := c.respond(http.StatusInternalServerError, "text/plain; charset=utf-8", []byte("500 Internal Server Error\n"))
	if err == nil {
		err = c.closeBody(nil)
	}
	if err != nil {
		c.ex.Abort()
	}
	return err != nil
}

// logFailure writes what the client is not told: panics with their stack and the
// causes of server errors.
func (c *Context) logFailure(err error) {
	if gone(err) || errors.Is(err, ErrTimeout) {
		return
	}
	if e := AsError(err); e.Status < 500 || e.Err == nil && PanicStack(err) == nil {
		return
	}
	attrs := []any{"method", c.method, "path", c.path, "err", err}
	if stack := PanicStack(err); stack != nil {
		attrs = append(attrs, "stack", string(stack))
	}
	log := c.table.log
	if log == nil {
		log = slog.Default()
	}
	log.ErrorContext(context.WithoutCancel(c.Context()), "request failed", attrs...)
}

// errorHandlers returns those of the request's scope, innermost first.
func (c *Context) errorHandlers() []ErrorHandler {
	if s := c.scopeOf(); s != nil {
		return s.onError
	}
	return nil
}
