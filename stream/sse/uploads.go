package sse

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/tako-go/tako"
)

// UploadsConfig configures [Uploads]. Zero means the default.
type UploadsConfig struct {
	// Stream sets the times of the streams.
	Stream Config
	// Progress sets how often progress is told.
	Progress tako.ProgressConfig
	// Max is the number of uploads that are known at once, those that are awaited and those
	// that have ended lately included. More are answered 503.
	// Default: 1024.
	Max int
	// Expiry is how long an upload that has ended stays known, and how long a stream awaits one
	// that does not begin.
	// Default: 1 min.
	Expiry time.Duration
}

// UploadProgress is the data of the events of [Uploads].
type UploadProgress struct {
	// Read is the number of bytes that were read.
	Read int64 `json:"read"`
	// Total is the declared length, -1 if it is unknown.
	Total int64 `json:"total"`
	// Done says that the upload has ended, Failed that this was before its end, or that it
	// was answered with an error.
	Done   bool `json:"done"`
	Failed bool `json:"failed"`
}

// maxUploadID is the length of the longest ID.
const maxUploadID = 128

// Uploads tells clients how far their uploads are: one request uploads, and another one, which may
// come before it, gets the progress as events. Both name the upload by an ID that the client has
// made up; whoever knows it can watch, so it is to be random. Uploads is used by many goroutines
// at once, and has no goroutine of its own.
type Uploads struct {
	cfg UploadsConfig
	mu  sync.Mutex
	all map[string]*upload
}

type upload struct {
	state    UploadProgress
	begun    bool
	watchers map[chan struct{}]struct{}
	expires  time.Time // zero while it is under way or watched
}

// NewUploads returns a registry.
func NewUploads(cfg UploadsConfig) *Uploads {
	if cfg.Max <= 0 {
		cfg.Max = 1024
	}
	if cfg.Expiry <= 0 {
		cfg.Expiry = time.Minute
	}
	return &Uploads{cfg: cfg, all: map[string]*upload{}}
}

// Track tells the progress of this request's body as that of the upload id, until the request has
// ended. It is called before the body is read, and uses [tako.Context.OnProgress]. The error is a
// 400 for an id that is empty or longer than 128 bytes, a 409 for one that was used before, a 503
// if there are too many.
func (u *Uploads) Track(c *tako.Context, id string) error {
	if err := checkUploadID(id); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	up, err := u.get(id)
	if err != nil {
		return err
	}
	if up.begun {
		return tako.Conflict("the upload has begun already")
	}
	up.begun, up.expires = true, time.Time{}
	up.state.Total = c.ContentLength()
	c.OnProgress(u.cfg.Progress, func(p tako.Progress) {
		u.update(up, func() { up.state.Read, up.state.Total = p.Read, p.Total })
	})
	c.OnDone(func(o tako.Outcome) {
		u.update(up, func() {
			up.state.Done = true
			up.state.Failed = o.Err != nil || o.Aborted || o.Status >= 400
			up.expires = time.Now().Add(u.cfg.Expiry)
		})
	})
	return nil
}

func (u *Uploads) update(up *upload, change func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change()
	for watcher := range up.watchers {
		signal(watcher)
	}
}

// Stream is the result that sends the progress of an upload, until that has ended or does not begin
// in time. What a slow client does not take in time is left out: each event has the state of its
// moment. The ID is judged when it is sent, with the errors of Track.
func (u *Uploads) Stream(id string) Stream[UploadProgress] {
	return Stream[UploadProgress]{Config: u.cfg.Stream, serve: func(s *sender) error {
		if s.c.Method() == http.MethodHead {
			_, err := s.begin()
			return err
		}
		up, changed, err := u.watch(id)
		if err != nil {
			return err
		}
		defer u.leave(id, up, changed)
		if _, err := s.begin(); err != nil {
			return err
		}
		by := time.Now().Add(u.cfg.Expiry) // before the timer, which fires once
		expiry := time.AfterFunc(u.cfg.Expiry, func() { signal(changed) })
		defer expiry.Stop()
		return relay(s, changed, func(out []byte, _ struct{}) ([]byte, error) {
			u.mu.Lock()
			state, begun := up.state, up.begun
			u.mu.Unlock()
			if !begun {
				if time.Now().Before(by) {
					return out, nil
				}
				return out, io.EOF
			}
			out, err := appendEvent(out, &Event[UploadProgress]{Data: state}, s.cfg.MaxID)
			if err == nil && state.Done {
				err = io.EOF
			}
			return out, err
		})
	}}
}

func (u *Uploads) watch(id string) (*upload, chan struct{}, error) {
	if err := checkUploadID(id); err != nil {
		return nil, nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	up, err := u.get(id)
	if err != nil {
		return nil, nil, err
	}
	changed := make(chan struct{}, 1)
	up.watchers[changed] = struct{}{}
	signal(changed)
	return up, changed, nil
}

// leave forgets an upload that has not begun and that nobody watches any more: names that somebody
// has made up shall not keep others out.
func (u *Uploads) leave(id string, up *upload, changed chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(up.watchers, changed)
	if !up.begun && len(up.watchers) == 0 && u.all[id] == up {
		delete(u.all, id)
	}
}

// get returns the upload, which it makes if there is none. It has the lock.
func (u *Uploads) get(id string) (*upload, error) {
	now := time.Now()
	if up := u.all[id]; up != nil {
		if up.expires.IsZero() || now.Before(up.expires) {
			return up, nil
		}
		delete(u.all, id)
	}
	if len(u.all) >= u.cfg.Max {
		for id, up := range u.all {
			if !up.expires.IsZero() && now.After(up.expires) {
				delete(u.all, id)
			}
		}
	}
	if len(u.all) >= u.cfg.Max {
		return nil, tako.Errorf(http.StatusServiceUnavailable, "%d uploads are known already", len(u.all)).With("Retry-After", "10")
	}
	up := &upload{watchers: map[chan struct{}]struct{}{}, state: UploadProgress{Total: -1}}
	u.all[id] = up
	return up, nil
}

func checkUploadID(id string) error {
	if id == "" || len(id) > maxUploadID {
		return tako.BadRequest("the ID of an upload has 1 to %d bytes", maxUploadID)
	}
	return nil
}

// Known is the number of uploads that are known, those that have ended lately included.
func (u *Uploads) Known() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.all)
}
