package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tako-go/tako/bench/internal/load"
)

const (
	// recall is how many notes may be under way.
	recall = 1024
	// assembly is how often all are called until all answer, and callAgain how long each call
	// may take: servers may take in members after they have answered.
	assembly  = 100
	callAgain = 100 * time.Millisecond
)

// Fanout sends notes to all connections of a crowd, which count what they get.
type Fanout struct {
	// Publish hands a note to the server. It is called by one goroutine at a time.
	Publish func(note []byte) error
	// Rate is how many notes are sent in a second; 0 sends the next one when all have got the
	// last.
	Rate float64
	// Ready is called when all connections get notes, Done when the load is over.
	Ready, Done func() error

	crowd  *Crowd
	notes  [recall]underWay
	latest atomic.Uint64
	// first is the number that counts first, 0 for none yet.
	first    atomic.Uint64
	complete chan struct{}
	stop     atomic.Bool
}

// underWay is a note that not all have got.
type underWay struct {
	heard atomic.Int64
	sent  atomic.Int64 // Unix nanoseconds
}

// Counted is what a load found.
type Counted struct {
	load.Histogram
	// Lost notes never came.
	Lost int64
	// Took is from the first note to the last one that counts.
	Took time.Duration
}

// Run sends for a time and waits until all notes have come, or for as long as anybody would.
func (f *Fanout) Run(ctx context.Context, c *Crowd, length time.Duration) (*Counted, error) {
	f.crowd, f.complete = c, make(chan struct{}, 1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	counted := make([]load.Histogram, len(c.threads))
	var wg sync.WaitGroup
	for i, t := range c.threads {
		wg.Go(func() {
			if err := f.listen(ctx, t, &counted[i]); err != nil {
				cancel(err)
			}
		})
	}
	all, err := f.conduct(ctx, length)
	f.stop.Store(true)
	wg.Wait()
	if failed := context.Cause(ctx); failed != nil {
		return nil, failed
	}
	if err != nil {
		return nil, err
	}
	for i := range counted {
		all.Merge(&counted[i])
	}
	sent := int64(f.latest.Load() - f.first.Load() + 1)
	all.Lost = sent*int64(len(c.peers)) - all.Count()
	return all, nil
}

// listen counts what comes to the connections of a thread.
func (f *Fanout) listen(ctx context.Context, t *thread, counted *load.Histogram) error {
	over := func() bool { return f.stop.Load() || ctx.Err() != nil }
	return t.watch(over, func(p *peer, data []byte) error {
		now := time.Now()
		return p.in.feed(data, func(message []byte) error {
			number, err := parseNote(message)
			if err != nil {
				return err
			}
			return f.heard(p, number, now, counted)
		})
	}, func(*peer) error { return nil })
}

func (f *Fanout) heard(p *peer, number uint64, now time.Time, counted *load.Histogram) error {
	latest := f.latest.Load()
	if number <= p.last || number > latest {
		return fmt.Errorf("note %d came after note %d, when %d was the latest", number, p.last, latest)
	}
	p.last = number
	u := &f.notes[number%recall]
	if first := f.first.Load(); first > 0 && number >= first {
		counted.Add(now.Sub(time.Unix(0, u.sent.Load())))
	}
	u.heard.Add(1)
	if f.whole(number) {
		select {
		case f.complete <- struct{}{}:
		default:
		}
	}
	return nil
}

// whole says whether a note has come to all.
func (f *Fanout) whole(number uint64) bool {
	return f.notes[number%recall].heard.Load() == int64(len(f.crowd.peers))
}

// conduct calls all together, and then measures.
func (f *Fanout) conduct(ctx context.Context, length time.Duration) (*Counted, error) {
	if err := f.assemble(ctx); err != nil {
		return nil, err
	}
	if err := f.Ready(); err != nil {
		return nil, err
	}
	f.first.Store(f.latest.Load() + 1)
	start := time.Now()
	var err error
	if f.Rate > 0 {
		err = f.paced(ctx, start, length)
	} else {
		err = f.closed(ctx, start.Add(length))
	}
	if err != nil {
		return nil, err
	}
	return &Counted{Took: time.Since(start)}, f.Done()
}

// assemble sends notes until one of them comes to all.
func (f *Fanout) assemble(ctx context.Context) error {
	for range assembly {
		if err := f.send(); err != nil {
			return err
		}
		whole, err := f.await(ctx, callAgain)
		if whole || err != nil {
			return err
		}
	}
	return errors.New("some connections get nothing of what is sent to all")
}

// closed sends the next note when the last one has come to all.
func (f *Fanout) closed(ctx context.Context, end time.Time) error {
	for time.Now().Before(end) {
		if err := f.send(); err != nil {
			return err
		}
		if whole, err := f.await(ctx, patience); !whole {
			return errors.Join(errors.New("a note did not come to all"), err)
		}
	}
	return nil
}

// paced sends notes at a steady rate, whether they come or not.
func (f *Fanout) paced(ctx context.Context, start time.Time, length time.Duration) error {
	for n := 1; ; n++ {
		if err := f.send(); err != nil {
			return err
		}
		due := time.Duration(float64(n) / f.Rate * float64(time.Second))
		if due >= length {
			break
		}
		select {
		case <-time.After(time.Until(start.Add(due))):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	_, err := f.await(ctx, patience)
	return err
}

func (f *Fanout) send() error {
	number := f.latest.Load() + 1
	u := &f.notes[number%recall]
	u.heard.Store(0)
	u.sent.Store(time.Now().UnixNano())
	f.latest.Store(number)
	return f.Publish(note(number))
}

// await waits until the latest note has come to all.
func (f *Fanout) await(ctx context.Context, limit time.Duration) (whole bool, err error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for !f.whole(f.latest.Load()) {
		select {
		case <-f.complete:
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}
