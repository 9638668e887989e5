package transport

import (
	"context"
	"log/slog"
	"time"
)

// Reload reads the certificates, client authorities included, again. If anything is wrong
// with any of them all stay as they were. It does nothing before TLS was called.
func (c *Certs) Reload(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.loading.Lock()
	defer c.loading.Unlock()
	return c.reload(false, c.log())
}

// reload is Reload; loading is held. If quiet is set an error that is known already is not
// told again.
func (c *Certs) reload(quiet bool, log *slog.Logger) error {
	old := c.current.Load()
	if old == nil {
		return c.mistake
	}
	next, err := c.look(old)
	switch {
	case err == nil && next == old:
		c.note(func(s *CertStats) { s.LastError = nil })
		return nil
	case err == nil:
		c.current.Store(next)
		c.note(func(s *CertStats) { s.Reloads, s.LastError, s.Expires = s.Reloads+1, nil, next.expires })
		log.Info("certificates reloaded", "expires", next.expires)
		next.warn(log, time.Now())
		return nil
	case quiet && sameError(c.Stats().LastError, err):
		return err
	}
	c.note(func(s *CertStats) { s.Failures, s.LastError = s.Failures+1, err })
	log.Error("certificates not reloaded, the old ones stay", "err", err)
	return err
}

// looks is how often files are read that change meanwhile.
const looks = 3

// look reads everything, and returns old if nothing has changed. Files that are replaced
// at this moment may be of two ages: what is wrong is read again, until it stays the same.
func (c *Certs) look(old *snapshot) (next *snapshot, err error) {
	var before *input
	for range looks {
		in, readErr := c.cfg.read()
		switch {
		case readErr != nil:
			before, err = nil, readErr
			continue
		case old != nil && in.sum == old.input.sum:
			return old, nil
		case before != nil && in.sum == before.sum:
			return nil, err
		}
		if next, err = newSnapshot(&c.cfg, in, c.tickets); err == nil {
			return next, nil
		}
		before = in
	}
	return nil, err
}

func sameError(a, b error) bool { return a != nil && b != nil && a.Error() == b.Error() }

// load reads for a server that begins to listen. What another one has read is good
// enough if there is something wrong now.
func (c *Certs) load(log *slog.Logger) error {
	c.loading.Lock()
	defer c.loading.Unlock()
	if old := c.current.Load(); old != nil {
		_ = c.reload(false, log) // it is logged
		if old == c.current.Load() {
			old.warn(log, time.Now())
		}
		return nil
	}
	next, err := c.look(nil)
	if err != nil {
		return err
	}
	c.current.Store(next)
	c.note(func(s *CertStats) { s.LastError, s.Expires = nil, next.expires })
	next.warn(log, time.Now())
	return nil
}

// reread is Reload for what is called again and again.
func (c *Certs) reread() {
	c.loading.Lock()
	defer c.loading.Unlock()
	_ = c.reload(true, c.log()) // it is logged
}

// Stats returns the counters.
func (c *Certs) Stats() CertStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Certs) note(change func(*CertStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.stats)
}
