package runtimetest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
)

func windowCases() []testCase {
	stuck := []fault{unlimited, around("body-hoarded", hoarding)}
	unread := []fault{withheld, unanswered}
	return []testCase{
		{id: "H2-07/zero-window", run: starving{window: 0}.run, faults: stuck},
		{id: "H2-07/one-byte", run: starving{window: 1}.run, faults: stuck},
		{id: "H2-07/dripped", run: starving{window: 1, meanwhile: dripWindow}.run, faults: stuck},
		{id: "H2-07/connection-window", run: starving{window: 1 << 20}.run, faults: stuck},
		{id: "H2-07/late", run: starving{window: 0, late: true}.run, faults: stuck},
		{id: "H2-07/others-go-on", run: stuckBesideFine, faults: []fault{unanswered}},
		{id: "H2-07/window-shrinks", run: windowShrinks, faults: []fault{lost("settings-unanswered", http2.FrameSettings)}},
		{id: "H2-08/surplus", run: surplusStreams, faults: []fault{http2Fault("more-streams", func(h *tako.HTTP2Config) { h.Streams = 100 }), hidden, recoded}},
		{id: "H2-09/never-read", run: unreadUploads("/ignore", 200), faults: unread},
		{id: "H2-09/early-answer", run: unreadUploads("/refuse", 413), faults: unread},
		{id: "H2-09/nowhere", run: unreadUploads("/nowhere", 404), faults: unread},
		{id: "H2-09/reset-by-client", run: resetUploads, faults: unread},
		{id: "H2-09/held", run: heldUploads, faults: unread},
		{id: "H2-09/padding", run: paddedUpload, faults: unread},
		{id: "H2-09/goes-on-behind-answer", run: uploadGoesOn, faults: []fault{unanswered}},
	}
}

// starving is a client that asks for large responses and takes nothing: each handler is told when
// the write timeout has passed, and none has got rid of much by then.
type starving struct {
	window    uint32
	late      bool // the handlers begin to write when nothing has come for a while
	meanwhile func(c *frameClient, stop <-chan struct{})
}

func (st starving) run(x *T) {
	// On a machine that is too busy the timeout may pass before all are there.
	for i := range 5 {
		if st.flood(x, short<<i) {
			return
		}
	}
	x.Fatal("the connection ended before all streams were served, five times")
}

// flood returns false if the connection ended before all streams were served.
func (st starving) flood(x *T, timeout time.Duration) bool {
	const n = 10
	ended := make(chan floodEnd, n)
	var entered atomic.Int32
	s := x.serve(tako.Limits{WriteTimeout: timeout}, func(app *tako.Router) {
		app.Get("/flood", together(n, &entered, st.write(timeout, flood(64<<20, ended))))
	})
	s.frayed = true
	c := s.h2With(frameOptions{hold: true, settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: st.window}}})
	if !c.await(x.patience, func() bool { return c.err != nil || c.acks > 0 && len(c.settings) > 0 }) || c.ended() {
		return false
	}
	for range n {
		c.open(true, c.get("/flood"))
	}
	if st.meanwhile != nil {
		stop := make(chan struct{})
		defer close(stop)
		go st.meanwhile(c, stop)
	}
	total, limit := 0, time.After(x.patience)
	look := time.NewTicker(short)
	defer look.Stop()
	for failed := 0; failed < n; {
		select {
		case end := <-ended:
			if end.err == nil {
				x.Error("the handler wrote everything to a client that takes nothing")
			}
			total += end.wrote
			failed++
		case <-look.C:
			if entered.Load() < n && c.ended() {
				return false
			}
		case <-limit:
			x.Fatalf("the writes of %d streams of %d failed, %d had begun", failed, n, entered.Load())
		}
	}
	if total > n*streamBound {
		x.Errorf("%d bytes were taken for %d streams that take nothing, want %d at most for each", total, n, streamBound)
	}
	return true
}

func (st starving) write(timeout time.Duration, h tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if st.late {
			<-time.After(2 * timeout)
		}
		return h(c)
	}
}

// streamBound is what a server may hold of one response, with what fits the windows.
const streamBound = 256 << 10

// together begins to call h once n requests are there, or one of them is given up.
func together(n int, waiting *atomic.Int32, h tako.Handler) tako.Handler {
	all := make(chan struct{})
	return func(c *tako.Context) error {
		if int(waiting.Add(1)) == n {
			close(all)
		}
		select {
		case <-all:
		case <-c.Context().Done():
		}
		return h(c)
	}
}

// dripWindow gives a byte of window to each stream now and then.
func dripWindow(c *frameClient, stop <-chan struct{}) {
	tick := time.NewTicker(short / 10)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.batch(func(fr *http2.Framer) {
				for id := uint32(1); id < 20; id += 2 {
					_ = fr.WriteWindowUpdate(id, 1)
				}
			})
		case <-stop:
			return
		}
	}
}

// stuckBesideFine has streams without window beside such that have some.
func stuckBesideFine(x *T) {
	ended := make(chan floodEnd, 8)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/flood", flood(1<<20, ended))
		app.Get("/small", say("small"))
	})
	s.frayed = true
	c := s.h2With(frameOptions{hold: true})
	c.ready()
	// The connection has room for more than the streams alone can take.
	c.write(func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(0, 1<<20) })
	for range 4 {
		c.open(true, c.get("/flood"))
	}
	for range 20 {
		if got := c.expect(c.open(true, c.get("/small")), 200).body; got != "small" {
			x.Errorf("got %q", got)
		}
	}
}

// windowShrinks takes window back by SETTINGS, below what was sent already. Nothing
// more may come until the stream has some again.
func windowShrinks(x *T) {
	ended := make(chan floodEnd, 1)
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/flood", flood(200_000, ended))
		app.Get("/nothing", func(c *tako.Context) error { return c.NoContent() })
	})
	s.frayed = true
	c := s.h2With(frameOptions{hold: true, settings: []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: 1000}}})
	c.ready()
	c.write(func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(0, 1<<20) })
	id := c.open(true, c.get("/flood"))
	size := func(n int) {
		c.await(x.patience, func() bool { return c.streams[id].size >= n })
		if got := c.sizeOf(id); got != n {
			x.Fatalf("%d bytes have come, want %d", got, n)
		}
	}
	settings := func(window uint32) {
		acks := c.acked()
		c.write(func(fr *http2.Framer) {
			_ = fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
		})
		if !c.await(x.patience, func() bool { return c.acks > acks }) {
			x.Fatal("SETTINGS are not acknowledged")
		}
	}
	size(1000)
	settings(0)
	c.write(func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(id, 900) })
	c.expect(c.open(true, c.get("/nothing")), 204) // a head needs no window
	size(1000)
	c.write(func(fr *http2.Framer) { _ = fr.WriteWindowUpdate(id, 200) })
	size(1100)
	settings(500)
	size(1600)
}

func surplusStreams(x *T) {
	const limit, n = 10, 30
	var b busy
	slow := newGated(x)
	s := x.serveWith(setup{http2: tako.HTTP2Config{Streams: limit}}, func(app *tako.Router) {
		app.Get("/slow", func(c *tako.Context) error {
			defer b.enter()()
			select {
			case <-slow.release:
			case <-x.Context().Done():
			}
			return c.Text(200, "slow")
		})
	})
	c := s.h2()
	c.ready()
	var ids []uint32
	for range n {
		ids = append(ids, c.open(true, c.get("/slow")))
	}
	for _, id := range ids[limit:] {
		c.resets(id, http2.ErrCodeRefusedStream)
	}
	close(slow.release)
	for _, id := range ids[:limit] {
		c.expect(id, 200)
	}
	if b.most.Load() > limit {
		x.Errorf("%d handlers at the same time, %d streams are allowed", b.most.Load(), limit)
	}
	c.ask(alivePath)
}

// uploads are routes that take bodies in different ways.
func uploads(x *T, held chan struct{}) func(app *tako.Router) {
	return func(app *tako.Router) {
		app.Post("/ignore", say("not read"))
		app.Post("/refuse", func(*tako.Context) error { return tako.Errorf(413, "no") })
		app.Post("/hold", func(c *tako.Context) error {
			held <- struct{}{}
			return waiting(c, x.Context().Done())
		})
		app.Post("/sum", func(c *tako.Context) error {
			n, err := io.Copy(io.Discard, c.Body())
			if err != nil {
				return err
			}
			return c.Text(200, "size="+itoa(int(n))+"\n")
		}, tako.BodyLimit(tako.NoLimit))
	}
}

// fewStreams makes the window of a connection a small one: what nobody gives back
// is missed soon.
var fewStreams = tako.HTTP2Config{Streams: 4, Window: 64 << 10, MaxWindow: 64 << 10}

// sum uploads to a handler that reads, and demands that it gets all of it.
func (c *frameClient) sum(size int) {
	c.x.Helper()
	id := c.open(false, c.request("POST", "/sum"))
	if err := c.upload(id, true, bytes.Repeat([]byte("x"), size)); err != nil {
		got, why := c.outcome(id)
		c.x.Fatalf("an upload that is read: %v, %v, %+v", err, why, got)
	}
	if got := c.expect(id, 200).line("size"); got != itoa(size) {
		c.x.Errorf("the handler got %s bytes of %d", got, size)
	}
}

// unreadUploads sends bodies that nobody wants, more than the window of the
// connection in all, and then one that somebody reads.
func unreadUploads(path string, status int) func(x *T) {
	return func(x *T) {
		s := x.serveWith(setup{http2: fewStreams}, uploads(x, nil))
		c := s.h2()
		c.ready()
		for range 100 {
			id := c.open(false, c.request("POST", path))
			if err := c.upload(id, true, bytes.Repeat([]byte("x"), 60_000)); err != nil && !errors.Is(err, errStreamReset) {
				x.Fatal(err)
			}
			c.expect(id, status)
		}
		c.sum(1 << 20)
	}
}

func resetUploads(x *T) {
	held := make(chan struct{}, 100)
	s := x.serveWith(setup{http2: fewStreams}, uploads(x, held))
	c := s.h2()
	c.ready()
	for range 50 {
		id := c.hold(held)
		c.write(func(fr *http2.Framer) { _ = fr.WriteRSTStream(id, http2.ErrCodeCancel) })
	}
	c.untilServed()
	c.sum(1 << 20)
}

// hold begins an upload to a handler that does not read. It is refused as long as
// handlers of streams that were reset have not ended.
func (c *frameClient) hold(held <-chan struct{}) (id uint32) {
	x := c.x
	x.Helper()
	entered := false
	for range 100 {
		id = c.open(false, c.request("POST", "/hold"))
		if err := c.upload(id, false, bytes.Repeat([]byte("x"), 60_000)); err != nil && !errors.Is(err, errStreamReset) {
			x.Fatal(err)
		}
		x.until("the stream is served or refused", func() bool {
			select {
			case <-held:
				entered = true
			default:
			}
			_, refused := c.resetOf(id)
			return entered || refused
		})
		if entered {
			return id
		}
	}
	x.Fatal("streams are not accepted again")
	return 0
}

// heldUploads fill what their streams may hold, beside one that goes on.
func heldUploads(x *T) {
	held := make(chan struct{}, 100)
	s := x.serveWith(setup{http2: fewStreams}, uploads(x, held))
	s.frayed = true
	c := s.h2()
	c.ready()
	for range 3 {
		id := c.open(false, c.request("POST", "/hold"))
		waitFor(x, "the handler", held)
		if err := c.upload(id, false, bytes.Repeat([]byte("x"), 64<<10)); err != nil {
			x.Fatal(err)
		}
	}
	c.sum(4 << 20)
}

// paddedUpload is padding for the most part, which counts for the windows.
func paddedUpload(x *T) {
	s := x.serveWith(setup{http2: fewStreams}, uploads(x, nil))
	c := s.h2()
	c.ready()
	id := c.open(false, c.request("POST", "/sum"))
	const n = 2000
	for i := range n {
		for room := 0; room < 257; {
			got, err := c.take(id, 257-room)
			if err != nil {
				x.Fatalf("after %d frames: %v", i, err)
			}
			room += got
		}
		c.write(func(fr *http2.Framer) { _ = fr.WriteDataPadded(id, i == n-1, []byte("x"), make([]byte, 255)) })
	}
	if got := c.expect(id, 200).line("size"); got != itoa(n) {
		x.Errorf("the handler got %s bytes of %d", got, n)
	}
}

// uploadGoesOn answers while the client still sends: the answer arrives, and the
// server may ask to stop with NO_ERROR (RFC 9113, section 8.1).
func uploadGoesOn(x *T) {
	s := x.serve(tako.Limits{}, uploads(x, nil))
	c := s.h2()
	c.ready()
	for range 5 {
		id := c.open(false, c.request("POST", "/refuse"))
		c.expect(id, 413)
		for range 10 {
			if c.upload(id, false, []byte(strings.Repeat("x", 1000))) != nil {
				break
			}
		}
		c.write(func(fr *http2.Framer) { _ = fr.WriteRSTStream(id, http2.ErrCodeCancel) })
		c.await(short, func() bool { return c.streams[id].reset != nil })
		if code, ok := c.resetOf(id); ok && code != http2.ErrCodeNo {
			x.Errorf("the rest of the body was stopped with %v, want NO_ERROR", code)
		}
	}
	c.sum(100_000)
}

func lengthCases() (all []testCase) {
	faults := []fault{hidden, recoded, around("upload-completed", completing)}
	for name, row := range map[string]struct {
		lines []string
		data  []string // the last one ends the stream
	}{
		"shorter":       {[]string{"content-length: 10"}, []string{"hello"}},
		"shorter-parts": {[]string{"content-length: 10"}, []string{"hel", "lo", ""}},
		"longer":        {[]string{"content-length: 3"}, []string{"hello"}},
		"longer-parts":  {[]string{"content-length: 3"}, []string{"hel", "lo"}},
		"none-declared": {[]string{"content-length: 0"}, []string{"hello"}},
	} {
		own := faults
		if name == "none-declared" {
			own = faults[:2] // no body is what was declared
		}
		all = append(all, testCase{id: "H2-12/" + name, run: wrongLength(row.lines, row.data), faults: own})
	}
	for name, lines := range map[string][]string{"two-that-differ": {"content-length: 5", "content-length: 6"}, "plus": {"content-length: +5"}, "list": {"content-length: 5, 6"}, "no-number": {"content-length: five"}} {
		all = append(all, testCase{id: "H2-12/" + name, run: badLength(lines), faults: []fault{hidden}})
	}
	return append(all,
		testCase{id: "H2-12/no-data", run: noData, faults: []fault{hidden}},
		testCase{id: "H2-12/right", run: rightLength, faults: []fault{unanswered, bodies("lost", "hello", "hell")}},
		testCase{id: "H2-12/trailer", run: shortByTrailer, faults: []fault{hidden, around("upload-completed", completing)}},
	)
}

// wrongLength demands that the handler's read fails and the stream is an error.
func wrongLength(lines, data []string) func(x *T) {
	return func(x *T) {
		var whole atomic.Int64
		entered := make(chan struct{}, 1)
		s := x.serve(tako.Limits{}, func(app *tako.Router) {
			app.Post("/form", func(c *tako.Context) error {
				entered <- struct{}{}
				body, err := c.ReadBody()
				if err == nil {
					whole.Add(1)
					pause(c, 10*short) // what is wrong may come later
					return c.Text(200, string(body))
				}
				return err
			})
		})
		c := s.h2()
		c.ready()
		id := c.open(false, c.request("POST", "/form", lines...))
		waitFor(x, "the handler", entered)
		for i, part := range data {
			c.data(id, i == len(data)-1, []byte(part))
		}
		c.protocolError(id)
		c.ask(alivePath)
		if whole.Load() > 0 && lines[0] != "content-length: 0" {
			x.Error("the handler took a body of the wrong length for whole")
		}
	}
}

// protocolError demands that the stream ends with PROTOCOL_ERROR or 400.
func (c *frameClient) protocolError(id uint32) {
	c.x.Helper()
	r, err := c.outcome(id)
	if err == nil && r.status != 400 || err != nil && !strings.Contains(err.Error(), "was reset with PROTOCOL_ERROR") {
		c.x.Errorf("got status %d and %v, want PROTOCOL_ERROR of the stream", r.status, err)
	}
}

func badLength(lines []string) func(x *T) {
	return func(x *T) {
		var seen echoes
		c := x.serve(tako.Limits{}, seen.routes).h2()
		c.ready()
		id := c.open(false, c.request("POST", "/x", lines...))
		c.data(id, true, []byte("hello"))
		c.protocolError(id)
		if seen.others.Load() > 0 {
			x.Error("a handler has seen the request")
		}
		c.ask("/next")
	}
}

// noData declares a body on a request that ends with its head.
func noData(x *T) {
	var whole atomic.Int64
	c := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Post("/form", func(c *tako.Context) error {
			_, err := c.ReadBody()
			if err == nil {
				whole.Add(1)
			}
			return err
		})
	}).h2()
	c.ready()
	c.protocolError(c.open(true, c.request("POST", "/form", "content-length: 5")))
	if whole.Load() > 0 {
		x.Error("the handler took no body for whole")
	}
	c.ask(alivePath)
}

func rightLength(x *T) {
	c, id, ended := beginUpload(x, "content-length: 10")
	c.data(id, true, []byte("hello"))
	if err := waitFor(x, "the read to end", ended); err != nil {
		x.Error(err)
	}
	if got := c.expect(id, 200).body; got != "hellohello" {
		x.Errorf("got %q", got)
	}
}

func shortByTrailer(x *T) {
	c, id, ended := beginUpload(x, "content-length: 10")
	c.write(func(fr *http2.Framer) { writeBlock(fr, id, true, c.encode(c.request("", "", "x-sum: abc")[4:])) })
	if err := waitFor(x, "the read to end", ended); err == nil {
		x.Error("the handler took a body of the wrong length for whole")
	}
	c.protocolError(id)
}
