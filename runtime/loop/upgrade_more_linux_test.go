package loop_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// What many goroutines send arrives whole, that of each in order, and functions of Do are
// called one at a time.
func TestUpgradeSend(t *testing.T) {
	const senders, each = 8, 500
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		streams := make(chan tako.EventStream, 1)
		gone := make(closings, 1)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{open: func(s tako.EventStream) { streams <- s }, data: echoStream, closed: gone.tell}
		}, tako.EventConfig{}, tako.Limits{})
		c := r.dial("")
		s := await(t, "Open", streams)
		var inside, called atomic.Int64
		var wg sync.WaitGroup
		for id := range senders {
			wg.Go(func() {
				for i := range each {
					if err := s.Send(fmt.Appendf(nil, "%d:%d\n", id, i)); err != nil {
						t.Errorf("Send: %v", err)
					}
					if i%10 != 0 {
						continue
					}
					err := s.Do(func() {
						if inside.Add(1) != 1 {
							t.Error("two functions at a time")
						}
						called.Add(1)
						_, _ = s.Write([]byte("do\n"))
						inside.Add(-1)
					})
					if err != nil {
						t.Errorf("Do: %v", err)
					}
				}
			})
		}
		var next [senders]int
		done := 0
		for range senders * each * 11 / 10 {
			line, err := c.r.ReadString('\n')
			assert.NoError(t, err)
			id, n, ok := strings.Cut(strings.TrimSpace(line), ":")
			if !ok {
				done++
				continue
			}
			i, err := strconv.Atoi(id)
			assert.NoError(t, err)
			assert.Equal(t, n, strconv.Itoa(next[i]), "of", id)
			next[i]++
		}
		wg.Wait()
		assert.Equal(t, done, senders*each/10)
		assert.Equal(t, called.Load(), int64(done))
		assert.Eventually(t, enough, "everything to be taken", func() bool { return s.Waiting() == 0 })
		_ = c.Close()
		_ = gone.next(t)
		if s.Send([]byte("late")) == nil || s.Do(func() { t.Error("called late") }) == nil {
			t.Error("Send or Do behind the end have no error")
		}
	})
}

// A function that blocks does not hold up the other connections of its loop, and what comes
// meanwhile is told in order.
func TestUpgradeBlocks(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		free := make(chan struct{})
		inside := make(chan struct{}, 4)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{data: func(s tako.EventStream, p []byte) {
				if bytes.HasPrefix(p, []byte("block")) {
					inside <- struct{}{}
					<-free
				}
				echoStream(s, p)
			}}
		}, tako.EventConfig{}, tako.Limits{})
		other := r.dial("")
		for range 300 { // they are on the loop then
			says(t, other, "x", "x")
		}
		blocks := r.dial("block ")
		await(t, "the function to block", inside)
		says(t, other, "not held up", "not held up")
		says(t, r.dial("nor new ones"), "", "nor new ones")
		_, err := io.WriteString(blocks, "second ")
		assert.NoError(t, err)
		close(free)
		says(t, blocks, "", "block second ")
		says(t, blocks, "third", "third")
	})
}

// Learned is by the route: one of events that block leaves another on the loops.
func TestUpgradeLearns(t *testing.T) {
	overUpgrades(t, plainWays, func(t *testing.T, w upgradeWay) {
		r := w.start(t, func() tako.StreamEvents { return &streamFuncs{data: echoStream} }, tako.EventConfig{}, tako.Limits{})
		said := int64(0)
		learned := func() bool { // of all connections together
			for range 3 {
				c := r.dial("")
				for range 100 {
					says(t, c, "x", "x")
				}
				said += 100
			}
			for _, route := range r.s.Stats().Routes {
				if route.Route == "GET /up Data" {
					return route.Inline
				}
			}
			t.Fatal("the route is not listed")
			return false
		}
		unstalled(t, learned) // a machine that stalls makes a function look long
		assert.Eventually(t, enough, "all events are counted", func() bool { return r.s.Stats().Events >= said })
		assert.Equal(t, r.s.Stats().Requests, said/100)
	})
}

// Bytes of any size that come in any pieces are echoed as they are.
func TestUpgradeAllSizes(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		r := w.start(t, func() tako.StreamEvents { return &streamFuncs{data: echoStream} }, tako.EventConfig{Unsent: 4 << 20}, tako.Limits{})
		random := rand.New(rand.NewPCG(1, 2))
		all := make([]byte, 3<<20)
		for i := range all {
			all[i] = byte(random.Uint32())
		}
		c := r.dial(string(all[:100]))
		sent := make(chan error, 1)
		go func() {
			rest := all[100:]
			for len(rest) > 0 {
				n := min(1+random.IntN(1<<random.IntN(18)), len(rest))
				if _, err := c.Write(rest[:n]); err != nil {
					sent <- err
					return
				}
				rest = rest[n:]
			}
			sent <- nil
		}()
		got := make([]byte, len(all))
		_, err := io.ReadFull(c, got)
		assert.NoError(t, err)
		assert.NoError(t, <-sent)
		assert.Equal(t, bytes.Equal(got, all), true, "the bytes")
	})
}
