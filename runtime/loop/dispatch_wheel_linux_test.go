package loop

import (
	"math/rand/v2"
	"testing"

	"github.com/tako-go/tako/internal/assert"
)

// naive is what a wheel stands for: each connection and when it is due.
type naive map[*conn]int64

// The wheel finds what is due, never early, and late by two ticks at most. A
// connection that is given a later deadline may come up before it: whoever takes it
// inserts it again then.
func TestWheelModel(t *testing.T) { checkWheel(t, wheelSlots/2) }

// So it does when nobody has looked for longer than it looks ahead, as when the
// process was stopped.
func TestWheelModelAfterStops(t *testing.T) { checkWheel(t, 3*wheelSlots) }

// checkWheel compares a wheel with its model. Nobody looks for up to pause ticks.
func checkWheel(t *testing.T, pause int64) {
	t.Helper()
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		tick := []int64{1, 5, 100}[seed%3]
		now := rnd.Int64N(1 << 40)
		w := &wheel{tick: tick, at: now / tick}
		conns := make([]*conn, 20)
		for i := range conns {
			conns[i] = new(conn)
		}
		model := naive{}
		for range 400 {
			c := conns[rnd.IntN(len(conns))]
			switch rnd.IntN(8) {
			case 0:
				w.remove(c)
				c.deadline = 0
				delete(model, c)
			case 1:
				w.set(c, 0)
				delete(model, c)
			case 2, 3, 4:
				at := now + rnd.Int64N([]int64{3, 50, 400, 2000}[rnd.IntN(4)]*tick) + 1
				w.set(c, at)
				model[c] = at
			default:
				now += rnd.Int64N([]int64{2, 20, 200, pause}[rnd.IntN(4)] * tick)
				model.expire(t, w, now)
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
			model.next(t, w, now)
		}
		now += 10 * wheelSlots * tick
		model.expire(t, w, now)
		assert.Equal(t, len(model), 0, "connections left")
		assert.Equal(t, w.next(), int64(0), "next of an empty wheel")
		assert.Equal(t, w.used, [wheelSlots / 64]uint64{}, "slots in use")
	}
}

// expire takes all there is, as a loop does, and compares.
func (model naive) expire(t *testing.T, w *wheel, now int64) {
	t.Helper()
	taken := map[*conn]bool{}
	for n := 0; ; n++ {
		c := w.take(now)
		if c == nil {
			break
		}
		if n > 1000 {
			t.Fatal("take does not end")
		}
		switch {
		case c.deadline == 0:
		case c.deadline > now:
			w.insert(c, c.deadline)
		default:
			if taken[c] {
				t.Error("taken twice")
			}
			taken[c] = true
			at, ok := model[c]
			if !ok || at > now {
				t.Errorf("taken at %d: deadline %d, in the model %v", now, at, ok)
			}
			delete(model, c)
		}
	}
	for _, at := range model {
		if at+2*w.tick <= now {
			t.Errorf("not taken at %d: deadline %d, tick %d", now, at, w.tick)
		}
	}
}

// next demands that a loop which sleeps until then misses nothing.
func (model naive) next(t *testing.T, w *wheel, now int64) {
	t.Helper()
	next := w.next()
	for _, at := range model {
		if next == 0 {
			t.Fatalf("nothing to come, but a deadline at %d", at)
		}
		if next > max(at, now)+2*w.tick {
			t.Fatalf("the next slot comes up at %d, too late for %d (now %d, tick %d)", next, at, now, w.tick)
		}
	}
}

// A deadline that moves on all the time costs nothing and comes up once.
func TestWheelMovesOn(t *testing.T) {
	w := &wheel{tick: 5}
	c := new(conn)
	for now := int64(0); now < 10_000; now += 7 {
		w.set(c, now+1000)
		for got := w.take(now); got != nil; got = w.take(now) {
			if got.deadline <= now {
				t.Fatalf("came up at %d", now)
			}
			w.insert(got, got.deadline)
		}
	}
	got := w.take(12_000)
	if got != c || w.take(12_000) != nil {
		t.Error("it does not come up once")
	}
}

// Members of one slot can go in any order.
func TestWheelSlot(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {1, 2, 0}} {
		w := &wheel{tick: 1}
		conns := []*conn{new(conn), new(conn), new(conn)}
		for _, c := range conns {
			w.set(c, 10)
		}
		for _, i := range order[:2] {
			w.remove(conns[i])
			w.remove(conns[i])
		}
		if got := w.take(100); got != conns[order[2]] {
			t.Errorf("%v: another one is left", order)
		}
		assert.Equal(t, w.take(100) == nil, true, "nothing is left")
	}
}
