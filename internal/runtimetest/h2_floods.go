package runtimetest

import (
	"errors"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
)

const calm = http2.ErrCodeEnhanceYourCalm

func resetCases() []testCase {
	provoked := []fault{unboundedResets, hidden, recoded}
	return []testCase{
		{id: "H2-01/rapid", run: rapidReset, faults: provoked},
		{id: "H2-01/handlers-counted", run: resetCounted, faults: []fault{http2Fault("more-streams", func(h *tako.HTTP2Config) { h.Streams = 64 }), hidden, recoded}},
		{id: "H2-01/some-allowed", run: someResets, faults: []fault{http2Fault("none-allowed", func(h *tako.HTTP2Config) { h.Resets = 1 }), unanswered}},
		{id: "H2-02/zero-window-update", timed: true, run: provokedResets(func(fr *http2.Framer, id uint32) { _ = fr.WriteWindowUpdate(id, 0) }, calm), faults: provoked},
		{id: "H2-02/window-overflow", run: provokedResets(func(fr *http2.Framer, id uint32) { _ = fr.WriteWindowUpdate(id, 1<<31-1) }, calm), faults: provoked},
		{id: "H2-02/data-after-end", run: provokedResets(func(fr *http2.Framer, id uint32) { _ = fr.WriteData(id, true, []byte("more")) }, calm, http2.ErrCodeStreamClosed), faults: []fault{hidden, recoded}},
		{id: "H2-02/malformed", run: provokedMalformed, faults: provoked},
	}
}

// busy counts the handlers that run at the same time.
type busy struct {
	live, most, all atomic.Int64
}

func (b *busy) enter() (leave func()) {
	n := b.live.Add(1)
	b.all.Add(1)
	for old := b.most.Load(); n > old && !b.most.CompareAndSwap(old, n); old = b.most.Load() {
	}
	return func() { b.live.Add(-1) }
}

// untilGone waits until the stream is gone.
func (b *busy) untilGone(x *T) tako.Handler {
	return func(c *tako.Context) error {
		defer b.enter()()
		return waiting(c, x.Context().Done())
	}
}

// rapidReset opens and resets streams as fast as it can.
func rapidReset(x *T) {
	var b busy
	s := x.serveWith(setup{http2: tako.HTTP2Config{Resets: 100, Streams: 16}}, func(app *tako.Router) { app.Get("/work", b.untilGone(x)) })
	s.frayed = true
	c := s.h2()
	c.ready()
	first, later := c.encode(c.get("/work")), c.encode(c.get("/work"))
	for id := uint32(1); id < 6000 && !c.ended(); {
		c.batch(func(fr *http2.Framer) {
			for range 500 {
				writeBlock(fr, id, true, first)
				_ = fr.WriteRSTStream(id, http2.ErrCodeCancel)
				first = later
				id += 2
			}
		})
	}
	c.dies(calm)
	if b.most.Load() > 16 {
		x.Errorf("%d handlers at the same time, 16 streams are allowed", b.most.Load())
	}
	s.h2().ask(alivePath)
}

// resetCounted has handlers that do not care that their stream is gone.
func resetCounted(x *T) {
	const limit = 4
	var b busy
	slow := newGated(x)
	s := x.serveWith(setup{http2: tako.HTTP2Config{Streams: limit}}, func(app *tako.Router) {
		app.Get("/slow", func(c *tako.Context) error {
			defer b.enter()()
			return slow.serve(c)
		})
	})
	c := s.h2()
	c.ready()
	for range limit {
		id := c.open(true, c.get("/slow"))
		waitFor(x, "the handler", slow.entered)
		c.write(func(fr *http2.Framer) { _ = fr.WriteRSTStream(id, http2.ErrCodeCancel) })
	}
	for range limit {
		c.resets(c.open(true, c.get("/slow")), http2.ErrCodeRefusedStream)
	}
	if b.most.Load() > limit {
		x.Errorf("%d handlers at the same time, %d streams are allowed", b.most.Load(), limit)
	}
	close(slow.release)
	x.until("the handlers have ended", func() bool { return b.live.Load() == 0 })
	c.untilServed()
}

// someResets stays below the threshold.
func someResets(x *T) {
	var b busy
	s := x.serve(tako.Limits{}, func(app *tako.Router) { app.Get("/work", b.untilGone(x)) })
	c := s.h2()
	c.ready()
	for range 200 {
		id := c.open(true, c.get("/work"))
		c.write(func(fr *http2.Framer) { _ = fr.WriteRSTStream(id, http2.ErrCodeCancel) })
	}
	c.untilServed()
	x.until("the handlers have ended", func() bool { return b.live.Load() == 0 })
}

// untilServed asks until streams are accepted again: those that were reset count
// until their handlers have ended.
func (c *frameClient) untilServed() {
	c.x.Helper()
	c.x.until("streams are accepted again", func() bool {
		r, err := c.outcome(c.open(true, c.get(alivePath)))
		return err == nil && r.status == 200
	})
}

// provokedResets makes the server reset streams, again and again. Where handlers end slowly
// streams are refused, and an update of their windows is another mistake.
func provokedResets(provoke func(fr *http2.Framer, id uint32), codes ...http2.ErrCode) func(x *T) {
	return func(x *T) {
		var b busy
		s := x.serveWith(setup{http2: tako.HTTP2Config{Resets: 100}}, func(app *tako.Router) { app.Get("/work", b.untilGone(x)) })
		s.frayed = true
		c := s.h2()
		c.ready()
		for range 4000 {
			if c.ended() {
				break
			}
			id := c.reserve(c.get("/work")).id
			c.write(func(fr *http2.Framer) {
				writeBlock(fr, id, true, c.encode(c.get("/work")))
				provoke(fr, id)
			})
		}
		c.dies(codes...)
		if b.most.Load() > 128 {
			x.Errorf("%d handlers at the same time, 128 streams are allowed", b.most.Load())
		}
	}
}

func provokedMalformed(x *T) {
	s := x.serveWith(setup{http2: tako.HTTP2Config{Resets: 100}}, nil)
	s.frayed = true
	c := s.h2()
	c.ready()
	fields := c.get(alivePath, "connection: close")
	for range 4000 {
		if c.ended() {
			break
		}
		c.open(true, fields)
	}
	c.dies(calm)
}

func floodCases() (all []testCase) {
	kinds := map[string]func(fr *http2.Framer, id uint32){
		"ping":          func(fr *http2.Framer, _ uint32) { _ = fr.WritePing(false, [8]byte{}) },
		"settings":      func(fr *http2.Framer, _ uint32) { _ = fr.WriteSettings() },
		"priority":      func(fr *http2.Framer, id uint32) { _ = fr.WritePriority(id, http2.PriorityParam{Weight: 7}) },
		"window-update": func(fr *http2.Framer, _ uint32) { _ = fr.WriteWindowUpdate(0, 1) },
		"stream-window": func(fr *http2.Framer, id uint32) { _ = fr.WriteWindowUpdate(id, 1) },
		"empty-data":    func(fr *http2.Framer, id uint32) { _ = fr.WriteData(id, false, nil) },
	}
	for name, frame := range kinds {
		all = append(all, testCase{id: "H2-06/" + name, run: floodOf(frame), faults: []fault{unboundedControls, hidden, recoded}})
	}
	return append(all,
		testCase{id: "H2-06/not-reading", run: floodUnread(func(fr *http2.Framer) { _ = fr.WritePing(false, [8]byte{}) }), faults: []fault{planted("kept")}},
		testCase{id: "H2-06/not-reading-settings", run: floodUnread(func(fr *http2.Framer) { _ = fr.WriteSettings() }), faults: []fault{planted("kept")}},
		testCase{id: "H2-06/empty-names", run: emptyNames, faults: []fault{hidden, recoded}},
		testCase{id: "H2-06/some-allowed", run: somePings, faults: []fault{http2Fault("none-allowed", func(h *tako.HTTP2Config) { h.Controls = 1 }), lost("pong-lost", http2.FramePing)}},
		testCase{id: "H2-03/endless", run: continuations(strings.Repeat("\x00\x01a\x01b", 3000), 4000), faults: []fault{hidden}},
		testCase{id: "H2-03/empty", run: continuations("", 200_000), faults: []fault{hidden}},
		testCase{id: "H2-03/small", run: continuations("\x00\x01a\x01b", 200_000), faults: []fault{hidden}},
		testCase{id: "H2-03/trailer", run: trailerContinuations, faults: []fault{hidden}},
	)
}

// floodOf sends frames that carry nothing beside an upload that waits.
func floodOf(frame func(fr *http2.Framer, id uint32)) func(x *T) {
	return func(x *T) {
		s := x.serveWith(setup{http2: tako.HTTP2Config{Controls: 100}}, func(app *tako.Router) {
			app.Post("/form", func(c *tako.Context) error {
				_, err := c.ReadBody()
				return err
			})
		})
		s.frayed = true
		c := s.h2()
		c.ready()
		id := c.open(false, c.request("POST", "/form"))
		for range 20 {
			if c.ended() {
				break
			}
			c.batch(func(fr *http2.Framer) {
				for range 1000 {
					frame(fr, id)
				}
			})
		}
		c.dies(calm)
		s.h2().ask(alivePath)
	}
}

// floodUnread asks for replies and reads none: the queue of them is bounded, and
// the client is not kept.
func floodUnread(frame func(fr *http2.Framer)) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{WriteTimeout: short}, nil)
		s.frayed = true
		c := s.h2With(frameOptions{deaf: true})
		end := time.Now().Add(x.patience)
		for time.Now().Before(end) {
			c.wmu.Lock()
			_ = c.conn.SetWriteDeadline(end)
			_, err := c.conn.Write(manyFrames(frame))
			c.wmu.Unlock()
			if err != nil && !x.planted("kept") && !errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			if errors.Is(err, net.ErrClosed) {
				break
			}
		}
		x.Error("a client that floods and does not read is kept")
	}
}

func manyFrames(frame func(fr *http2.Framer)) []byte {
	var all strings.Builder
	fr := http2.NewFramer(&all, nil)
	fr.AllowIllegalWrites = true
	for range 1000 {
		frame(fr)
	}
	return []byte(all.String())
}

// emptyNames sends fields without a name, which take no room in the frame.
func emptyNames(x *T) {
	s := x.serve(tako.Limits{}, nil)
	s.frayed = true
	c := s.h2()
	c.ready()
	block := c.encode(c.get(alivePath))
	block = append(block, strings.Repeat("\x00\x00\x00", 5000)...)
	st := c.reserve(c.get(alivePath))
	c.write(func(fr *http2.Framer) { writeBlock(fr, st.id, true, block) })
	c.await(x.patience, func() bool { return st.reset != nil || st.ended })
	r, err := c.outcome(st.id)
	if err == nil && r.status != 431 && r.status != 400 {
		x.Fatalf("got status %d", r.status)
	}
	if err != nil && !strings.Contains(err.Error(), "PROTOCOL_ERROR") && !strings.Contains(err.Error(), "ENHANCE_YOUR_CALM") {
		x.Errorf("got %v", err)
	}
}

// somePings are answered, each once.
func somePings(x *T) {
	s := x.serve(tako.Limits{}, nil)
	c := s.h2()
	c.ready()
	c.batch(func(fr *http2.Framer) {
		for range 500 {
			_ = fr.WritePing(false, [8]byte{1})
		}
	})
	c.ask(alivePath)
	if !c.await(x.patience, func() bool { return c.pongs == 500 }) {
		x.Errorf("%d of 500 PING were answered", c.pongs)
	}
}

// continuations sends a field block that does not end.
func continuations(part string, n int) func(x *T) {
	return func(x *T) {
		s := x.serve(tako.Limits{}, nil)
		s.frayed = true
		c := s.h2()
		c.ready()
		id := c.reserve(c.get(alivePath)).id
		c.write(func(fr *http2.Framer) {
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, BlockFragment: c.encode(c.get(alivePath))})
		})
		c.endless(id, part, n)
		s.h2().ask(alivePath)
	}
}

// endless adds CONTINUATION until the connection ends.
func (c *frameClient) endless(id uint32, part string, n int) {
	c.x.Helper()
	const most = 100
	for sent := 0; sent < n && !c.ended(); sent += most {
		c.batch(func(fr *http2.Framer) {
			for range most {
				_ = fr.WriteContinuation(id, false, []byte(part))
			}
		})
	}
	c.dies(calm, http2.ErrCodeProtocol, http2.ErrCodeCompression)
}

func trailerContinuations(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			_, err := c.ReadBody()
			return err
		})
	})
	s.frayed = true
	c := s.h2()
	c.ready()
	id := c.open(false, c.request("POST", "/form"))
	c.write(func(fr *http2.Framer) {
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, EndStream: true, BlockFragment: []byte("\x00\x01a\x01b")})
	})
	c.endless(id, strings.Repeat("\x00\x01a\x01b", 3000), 4000)
}
