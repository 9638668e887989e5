package webtransport_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	lib "github.com/quic-go/webtransport-go"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/webtransport"
)

// A session ends when nothing comes or goes.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{IdleTimeout: 200 * time.Millisecond}, hold(ended))
	_, s := r.open(nil)
	await(t, s.Context().Done(), "the session ends")
	_, err := s.OpenStream()
	assert.ErrorIs(t, err, &lib.SessionError{Remote: true})
	e := sessionError(t, await(t, ended, "the handler is told"))
	assert.Equal(t, *e, webtransport.SessionError{Reason: "idle"})
	assert.Equal(t, errors.Is(e, tako.ErrClientGone), false)
}

// Reads and writes that nothing came of are no traffic.
func TestIdleAttempts(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{IdleTimeout: time.Second}, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.AcceptStream(ctx)
		for err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			if _, err := str.Write(nil); err != nil {
				break
			}
			_ = str.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, err = str.Read(make([]byte, 10))
		}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil
	})
	_, s := r.open(nil)
	str, err := s.OpenStreamSync(within(t))
	assert.NoError(t, err)
	_, err = str.Write([]byte("x"))
	assert.NoError(t, err)
	e := sessionError(t, await(t, ended, "the end"))
	assert.Equal(t, *e, webtransport.SessionError{Reason: "idle"})
}

// A write of which the client takes a little again and again is traffic.
func TestIdleLongWrite(t *testing.T) {
	t.Parallel()
	const size = 4 << 20
	wrote := make(chan error, 1)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{IdleTimeout: time.Second}, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.OpenUniStream(ctx)
		if err != nil {
			return err
		}
		n, err := str.Write(make([]byte, size))
		if err == nil {
			assert.Equal(t, n, size)
			assert.Equal(t, s.Stats().Sent, int64(size))
			err = str.Close()
		}
		wrote <- err
		<-ctx.Done()
		return nil
	})
	_, s := r.open(nil)
	str, err := s.AcceptUniStream(within(t))
	assert.NoError(t, err)
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for range size / (32 << 10) {
		_, err := io.ReadFull(str, make([]byte, 32<<10))
		assert.NoError(t, err)
		<-pace.C
	}
	assert.NoError(t, await(t, wrote, "the write"))
}

// A stream that was read to its end has none but that, whatever became of the session.
func TestEndOfStreamStays(t *testing.T) {
	t.Parallel()
	errs := make(chan error, 2)
	r := start(t, webtransport.ServerConfig{}, webtransport.Config{}, func(ctx context.Context, s *webtransport.Session) error {
		str, err := s.AcceptUniStream(ctx)
		if err != nil {
			return err
		}
		_, err = io.ReadAll(str)
		errs <- err
		<-ctx.Done()
		_, err = str.Read(make([]byte, 1))
		errs <- err
		return nil
	})
	_, s := r.open(nil)
	str, err := s.OpenUniStreamSync(within(t))
	assert.NoError(t, err)
	_, err = str.Write([]byte("hello"))
	assert.NoError(t, err)
	assert.NoError(t, str.Close())
	assert.NoError(t, await(t, errs, "the stream"))
	assert.NoError(t, s.CloseWithError(0, ""))
	assert.Equal(t, await(t, errs, "the end"), io.EOF)
}
