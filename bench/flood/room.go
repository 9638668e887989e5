package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tako-go/tako/bench/internal/live"
)

const (
	// ahead is how many messages may be under way to members that read at once: less than
	// servers queue for each, so that they miss nothing.
	ahead = 128
	// together is how many go out in one write.
	together = 16
	// calls bound how often all are called before the flood.
	calls     = 100
	callAgain = 100 * time.Millisecond
)

// room is all members, the first of which speaks.
type room []*member

func enter(ctx context.Context, addr string, counts map[kind]int) (room, error) {
	var r room
	for _, k := range []kind{fast, slow, stalled} {
		for range counts[k] {
			m, err := join(ctx, addr, k)
			if err != nil {
				r.leave()
				return nil, err
			}
			r = append(r, m)
		}
	}
	return r, nil
}

func (r room) leave() {
	for _, m := range r {
		_ = m.Close()
	}
}

// flood sends n messages, and calls at before the first and after each tenth of them.
func (r room) flood(ctx context.Context, n int64, at func(tenth int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	news := make(chan struct{}, 1)
	heard := func() {
		select {
		case news <- struct{}{}:
		default:
		}
	}
	var wg sync.WaitGroup
	for _, m := range r {
		wg.Go(func() {
			if err := m.listen(ctx, heard); err != nil {
				cancel(err)
			}
		})
	}
	err := r.speak(ctx, n, news, at)
	cancel(err)
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// speak sends as fast as those hear it that read at once.
func (r room) speak(ctx context.Context, n int64, news <-chan struct{}, at func(tenth int) error) error {
	first, err := r.assemble(ctx)
	if err != nil {
		return err
	}
	if err := at(0); err != nil {
		return err
	}
	for sent := int64(0); sent < n; {
		if err := r.await(ctx, first+sent+together-ahead, news); err != nil {
			return err
		}
		before := sent
		sent += min(together, n-sent)
		if err := r.say(first+before+1, first+sent); err != nil {
			return err
		}
		if tenth := sent * 10 / n; tenth > before*10/n {
			if err := at(int(tenth)); err != nil {
				return err
			}
		}
	}
	return r.await(ctx, first+n, news)
}

// assemble sends a message again and again until all who read at once have got one: servers may
// let members in after they have answered. It returns the number of the last one.
func (r room) assemble(ctx context.Context) (number int64, err error) {
	for number = 1; number <= calls; number++ {
		if err := r.say(number, number); err != nil {
			return 0, err
		}
		if !pause(ctx, callAgain) {
			return 0, context.Cause(ctx)
		}
		if r.allHeard(number) {
			for _, m := range r {
				m.begun = m.got.Load()
			}
			return number, nil
		}
	}
	return 0, errors.New("some members get nothing of what is sent to all")
}

func (r room) allHeard(number int64) bool {
	for _, m := range r {
		if m.kind == fast && m.last.Load() < number {
			return false
		}
	}
	return true
}

// say sends messages in one write.
func (r room) say(from, to int64) error {
	var frames []byte
	for number := from; number <= to; number++ {
		frames = live.AppendFrame(frames, live.Note(uint64(number)))
	}
	if err := r[0].SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := r[0].Write(frames); err != nil {
		return fmt.Errorf("speak: %w", err)
	}
	return nil
}

// await waits until all that read at once have got the message with a number, or a later one.
func (r room) await(ctx context.Context, number int64, news <-chan struct{}) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for !r.allHeard(number) {
		select {
		case <-news:
		case <-timer.C:
			return fmt.Errorf("message %d did not come to all within %v", number, patience)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// heard returns what the members of a kind have got at least, and how many were cut off.
func (r room) heard(k kind) (least int64, cut int) {
	least = -1
	for _, m := range r {
		if m.kind != k {
			continue
		}
		if got := m.got.Load() - m.begun; least < 0 || got < least {
			least = got
		}
		if m.cut.Load() {
			cut++
		}
	}
	return max(0, least), cut
}
