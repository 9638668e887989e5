package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// settle is how long files must be at rest before they are read: a certificate and
	// its key are seldom replaced at the same moment.
	settle = 200 * time.Millisecond
	// settleMax bounds that for files that never rest.
	settleMax = 2 * time.Second
)

// watch follows the files of the configuration and returns what stops it, or nil if
// there is nothing to watch; mu is held. Directories are watched, not files: those are replaced by
// renaming, and so are the links to them.
func (c *Certs) watch(log *slog.Logger) context.CancelFunc {
	files := c.cfg.files()
	if len(files) == 0 {
		return nil
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		c.stats.WatchError = err
		log.Warn("changes of certificate files are not noticed", "err", err)
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &certWatch{certs: c, notify: notify, add: notify.Add, files: files, log: log, lost: map[string]bool{}}
	go w.run(ctx)
	return cancel
}

// files are those of the machine's file system.
func (cfg *CertConfig) files() (all []string) {
	add := func(name string) {
		if name == "" {
			return
		}
		if abs, err := filepath.Abs(name); err == nil {
			all = append(all, abs)
		}
	}
	for i := range cfg.Certs {
		if cert := &cfg.Certs[i]; cert.FS == nil {
			add(cert.CertFile)
			add(cert.KeyFile)
		}
	}
	for _, auth := range cfg.auths() {
		if auth.FS == nil {
			add(auth.CAFile)
		}
	}
	return all
}

// certWatch is used by one goroutine.
type certWatch struct {
	certs  *Certs
	notify *fsnotify.Watcher
	add    func(dir string) error // of notify
	files  []string
	log    *slog.Logger
	lost   map[string]bool // directories that cannot be watched, as was told
	paths  map[string]bool // what leads to the files: their changes matter
}

func (w *certWatch) run(ctx context.Context) {
	defer w.notify.Close()
	var quiet <-chan time.Time
	var since time.Time // the first change that was not read
	changed := func() {
		now := time.Now()
		if quiet == nil {
			since = now
		}
		quiet = time.After(max(0, min(settle, settleMax-now.Sub(since))))
	}
	read := func() {
		if !w.follow() {
			changed()
		}
		w.certs.reread()
	}
	// What changed before the directories were watched is found by reading again.
	read()
	for {
		select {
		case <-ctx.Done():
			return
		case event, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if w.paths[event.Name] && w.matters(event.Op) {
				changed()
			}
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			w.log.Debug("watching certificate files", "err", err)
			changed() // events may be lost
		case <-quiet:
			quiet = nil
			read()
		}
	}
}

// matters leaves out changes of metadata, which backups and indexers make too. But files
// that could not be read may be readable now.
func (w *certWatch) matters(op fsnotify.Op) bool {
	return op != fsnotify.Chmod || w.certs.Stats().LastError != nil
}

// follow watches the directories that lead to the files now. It reports false if one
// went away meanwhile.
func (w *certWatch) follow() bool {
	whole := true
	dirs := map[string]bool{}
	w.paths = map[string]bool{}
	for _, file := range w.files {
		trace(file, dirs, w.paths)
	}
	for _, dir := range w.notify.WatchList() {
		if !dirs[dir] {
			w.notify.Remove(dir) // it may be gone already
		}
	}
	var problem error
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		err := w.add(dir)
		switch {
		case err == nil:
			delete(w.lost, dir)
			continue
		case errors.Is(err, fs.ErrNotExist):
			whole = false
			continue
		case !w.lost[dir]:
			w.lost[dir] = true
			w.log.Warn("changes of certificate files in this directory are not noticed", "dir", dir, "err", err)
		}
		problem = cmp.Or(problem, fmt.Errorf("transport: watching %s: %w", dir, err))
	}
	w.certs.note(func(s *CertStats) { s.WatchError = problem })
	return whole
}
