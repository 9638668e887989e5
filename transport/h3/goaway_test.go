package h3_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/internal/succession"
	"github.com/tako-go/tako/transport/h3"
)

// goAways are the ids of the GOAWAY frames that a server sends, in their order.
func (r *raw) goAways() <-chan uint64 {
	ids := make(chan uint64, 10)
	control, err := r.AcceptUniStream(within(r.t))
	assert.NoError(r.t, err)
	go func() {
		defer close(ids)
		in := quicvarint.NewReader(control)
		_, err := quicvarint.Read(in) // the type of the stream
		for err == nil {
			var kind, length uint64
			if kind, err = quicvarint.Read(in); err == nil {
				length, err = quicvarint.Read(in)
			}
			payload := make([]byte, length)
			if err == nil {
				_, err = io.ReadFull(in, payload)
			}
			if id, _, bad := quicvarint.Parse(payload); kind == frameGoAway && err == nil && bad == nil {
				ids <- id
			}
		}
	}()
	return ids
}

// draining lets a server shut down as a hand-over does.
func draining(t *testing.T, s *h3.Server, grace time.Duration) <-chan tako.Report {
	t.Helper()
	ended := make(chan tako.Report, 1)
	ctx, cancel := context.WithTimeout(succession.With(context.Background(), grace), 3*patience)
	t.Cleanup(cancel)
	go func() {
		report, err := s.Shutdown(ctx)
		assert.NoError(t, err)
		ended <- report
	}()
	return ended
}

// untilGoAway makes requests, all of which are answered, until one comes back with a GOAWAY. It
// returns how many there were, and the id.
func (r *raw) untilGoAway(ids <-chan uint64) (n int, id uint64) {
	r.t.Helper()
	for begun := time.Now(); time.Since(begun) < patience; {
		n++
		a := r.request(ask("GET", "/"))
		assert.NoError(r.t, a.err)
		assert.Equal(r.t, a.status, 200)
		select {
		case id, ok := <-ids:
			assert.Equal(r.t, ok, true, "the connection goes on")
			return n, id
		case <-time.After(100 * time.Millisecond): // it need not be in the same packet
		}
	}
	r.t.Fatal("no GOAWAY came")
	return 0, 0
}

// SD-02, SD-09: a request that comes when the drain has begun is answered, and the GOAWAY comes
// with it.
func TestGoAwayWithRequest(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	used, fresh := dialRaw(t, s), dialRaw(t, s)
	usedIDs, freshIDs := used.goAways(), fresh.goAways()
	goesOn(t, used)
	assert.Eventually(t, patience, "both are served", func() bool { return s.Stats().Accepted == 2 })
	ended := draining(t, s, 2*patience)
	n, id := used.untilGoAway(usedIDs)
	assert.Equal(t, id, uint64(4*(n+1)))
	n, id = fresh.untilGoAway(freshIDs)
	assert.Equal(t, id, uint64(4*n))
	report := <-ended
	assert.Equal(t, report, tako.Report{Drained: 2, Elapsed: report.Elapsed})
}

// SD-02: the requests of a client that has several under way are not cut in two by the GOAWAY.
func TestGoAwayWithMost(t *testing.T) {
	t.Parallel()
	app, entered, release := gated(t)
	s := start(t, app, h3.Config{})
	probe, r := dialRaw(t, s), dialRaw(t, s)
	probeIDs, ids := probe.goAways(), r.goAways()
	wait := func(n int) (streams []*quic.Stream) {
		for range n {
			str := r.open(ask("GET", "/wait"))
			assert.NoError(t, str.Close())
			<-entered
			streams = append(streams, str)
		}
		return streams
	}
	for _, str := range wait(3) {
		str.CancelRead(0)
	}
	assert.Eventually(t, patience, "the client has left", func() bool { return s.Stats().Running == 0 })
	goesOn(t, r)
	ended := draining(t, s, 2*patience)
	probe.untilGoAway(probeIDs)
	for range 5 { // alone
		goesOn(t, r)
	}
	assert.Equal(t, len(ids), 0, "GOAWAY frames")
	streams := wait(3)
	assert.Equal(t, <-ids, uint64(4*(3+1+5+3)))
	release()
	for _, str := range streams {
		assert.Equal(t, read(t, str).status, 200)
	}
	report := <-ended
	assert.Equal(t, report, tako.Report{Drained: 2, Elapsed: report.Elapsed})
}

// SD-01: who is silent is told so after a while.
func TestGoAwayAtLast(t *testing.T) {
	t.Parallel()
	s := start(t, echoApp(), h3.Config{})
	silent := dialRaw(t, s)
	ids := silent.goAways()
	assert.Eventually(t, patience, "it is served", func() bool { return s.Stats().Accepted == 1 })
	report := <-draining(t, s, short)
	assert.Equal(t, <-ids, uint64(0))
	assert.Equal(t, report, tako.Report{Idle: 1, Elapsed: report.Elapsed})
}
