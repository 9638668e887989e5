package static

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

const (
	// maxTags is how many tags are kept.
	maxTags = 4096
	// settled is how long nothing must have happened to a file before its times tell
	// one state from another: systems count them in steps of up to two seconds.
	settled = 2 * time.Second
)

// tags makes entity tags and keeps those that took reading the file. A tag made from
// the content is the same after a restart and on every replica, whatever the times of
// the file. It is looked up by name and stamp: who changes a file changes its stamp.
type tags struct {
	hashBytes int64
	now       func() time.Time

	mu   sync.RWMutex
	kept map[tagKey]*tag
}

// tagKey has the suffix, as a coded file may be asked for by its own name too.
type tagKey struct{ name, suffix string }

// tag is the tag of one state of a file, made by the first who needs it.
type tag struct {
	stamp stamp
	once  sync.Once
	value string
	err   error
}

// of returns the tag of the file of this name, and suffix tells codings of one file
// apart. It is weak for a file that was changed just now, as that may happen again
// before its times move on, and "" for one that is too large to be read for it and has
// no times.
func (t *tags) of(name, suffix string, f *file) (string, error) {
	last := cmp.Or(f.changed, f.modified)
	switch {
	case last != 0 && t.now().UnixNano()-last < int64(settled):
		s := f.stamp
		s.modified = last // what the date was set to says nothing about what was done just now
		return "W/" + byTimes(s, suffix), nil
	case f.size <= t.hashBytes:
	case last != 0:
		return byTimes(f.stamp, suffix), nil
	default:
		return "", nil
	}
	key := tagKey{name, suffix}
	entry := t.entry(key, f.stamp)
	entry.once.Do(func() { entry.value, entry.err = byContent(f, suffix) })
	if entry.err != nil {
		t.forget(key, entry)
	}
	return entry.value, entry.err
}

func byTimes(s stamp, suffix string) string {
	return `"` + strconv.FormatInt(s.size, 16) + "-" + strconv.FormatInt(cmp.Or(s.modified, s.changed), 16) + suffix + `"`
}

func byContent(f *file, suffix string) (string, error) {
	hash := sha256.New()
	var from io.Reader = io.NewSectionReader(f, 0, f.size)
	if n, err := io.Copy(hash, from); err != nil || n != f.size {
		return "", fmt.Errorf("make entity tag: read %d of %d bytes: %w", n, f.size, orShort(err))
	}
	return `"` + base64.RawURLEncoding.EncodeToString(hash.Sum(nil)[:15]) + suffix + `"`, nil
}

func orShort(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// entry returns the tag that is kept for the state, or a new one in its place.
func (t *tags) entry(key tagKey, s stamp) *tag {
	t.mu.RLock()
	entry := t.kept[key]
	t.mu.RUnlock()
	if entry != nil && entry.stamp == s {
		return entry
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if entry = t.kept[key]; entry != nil && entry.stamp == s {
		return entry
	}
	if entry == nil && len(t.kept) >= maxTags {
		for other := range t.kept {
			delete(t.kept, other)
			break
		}
	}
	entry = &tag{stamp: s}
	t.kept[key] = entry
	return entry
}

// forget makes the next request try again.
func (t *tags) forget(key tagKey, entry *tag) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept[key] == entry {
		delete(t.kept, key)
	}
}
