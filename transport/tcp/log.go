package tcp

import (
	"context"
	"log/slog"
	"time"
)

// Log logs each connection when its handler has returned, with level Info: peer, duration, bytes
// and error. Nil is the log of the server.
func Log(log *slog.Logger) Layer { return logLayer{log} }

type logLayer struct{ log *slog.Logger }

// Wrap implements [Layer].
func (l logLayer) Wrap(_ context.Context, setup Setup, next Handler) (Handler, error) {
	log := l.log
	if log == nil {
		log = setup.Log
	}
	return func(ctx context.Context, c *Conn) error {
		err := next(ctx, c)
		in, out := c.Bytes()
		log.LogAttrs(ctx, slog.LevelInfo, "connection", slog.Any("peer", c.info.Remote), slog.Duration("took", time.Since(c.began)),
			slog.Int64("in", in), slog.Int64("out", out), slog.Any("err", err))
		return err
	}, nil
}
