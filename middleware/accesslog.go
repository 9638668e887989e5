package middleware

import (
	"context"
	"log/slog"

	"github.com/tako-go/tako"
)

// AccessLogConfig configures [AccessLogWith].
type AccessLogConfig struct {
	// Log gets one record for each request, at its end.
	// Default: slog.Default(), looked up for each request.
	Log *slog.Logger
	// Skip leaves out requests for which it is true, such as health checks.
	Skip func(c *tako.Context) bool
	// Attrs adds attributes. It is called before the handlers.
	Attrs func(c *tako.Context) []slog.Attr
}

// AccessLog logs every request when its response has ended: method, path, route,
// status, bytes, duration, client, protocol, request id, and the error if there
// was one. Server errors are logged at level Error, all else at Info.
func AccessLog() tako.Middleware { return AccessLogWith(AccessLogConfig{}) }

// AccessLogWith is AccessLog with a configuration.
func AccessLogWith(cfg AccessLogConfig) tako.Middleware {
	return func(next tako.Handler) tako.Handler {
		return func(c *tako.Context) error {
			if cfg.Skip != nil && cfg.Skip(c) {
				return next(c)
			}
			var extra []slog.Attr
			if cfg.Attrs != nil {
				extra = cfg.Attrs(c)
			}
			c.OnDone(func(o tako.Outcome) { logOutcome(c, cfg.Log, o, extra) })
			return next(c)
		}
	}
}

func logOutcome(c *tako.Context, log *slog.Logger, o tako.Outcome, extra []slog.Attr) {
	if log == nil {
		log = slog.Default()
	}
	level := slog.LevelInfo
	if o.Status >= 500 {
		level = slog.LevelError
	}
	ctx := context.WithoutCancel(c.Context())
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs,
		slog.String("method", c.Method()),
		slog.String("path", c.Path()),
		slog.String("route", o.Pattern),
		slog.Int("status", o.Status),
		slog.Int64("bytes", o.Sent),
		slog.Duration("duration", o.Duration),
		slog.String("proto", c.Protocol().String()),
	)
	if ip := c.ClientIP(); ip.IsValid() {
		attrs = append(attrs, slog.String("client", ip.String()))
	}
	if id := RequestIDOf(c); id != "" {
		attrs = append(attrs, slog.String("id", id))
	}
	if o.Err != nil {
		attrs = append(attrs, slog.String("err", o.Err.Error()))
	}
	if o.Aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	if o.Upgraded {
		attrs = append(attrs, slog.Bool("upgraded", true))
	}
	log.LogAttrs(ctx, level, "request", append(attrs, extra...)...)
}
