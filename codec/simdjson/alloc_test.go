//go:build !race

package simdjson_test

import (
	"context"
	"io"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/codec/simdjson"
)

// wire is an Exchange that costs nothing. What it does not have is not called.
type wire struct {
	tako.Exchange
	ctx        context.Context
	body, rest []byte
	out        []byte
	status     int
}

func (w *wire) Method() string                              { return "PUT" }
func (w *wire) Target() string                              { return "/users/7" }
func (w *wire) Authority() string                           { return "sea" }
func (w *wire) Protocol() tako.Protocol                     { return tako.HTTP11 }
func (w *wire) RequestHeaderRepeats(string) bool            { return false }
func (w *wire) EachRequestHeader(func(string, string) bool) {}
func (w *wire) ContentLength() int64                        { return int64(len(w.body)) }
func (w *wire) Body() io.Reader                             { return w }
func (w *wire) AltSvc() string                              { return "" }
func (w *wire) Proxied() bool                               { return false }
func (w *wire) Context() context.Context                    { return w.ctx }

func (w *wire) RequestHeader(name string) string {
	if name == "Content-Type" {
		return "application/json"
	}
	return ""
}

func (w *wire) Read(p []byte) (int, error) {
	n := copy(p, w.rest)
	if w.rest = w.rest[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (w *wire) WriteHead(status int, _ *tako.Header, _ int64) error {
	w.status = status
	return nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

// A typed PUT has four allocations at most, here without the Context, which the
// runtime makes.
func TestAllocTypedPut(t *testing.T) {
	r := tako.New()
	r.Codec(simdjson.Codec{})
	tako.Put(r, "/users/{id}", func(_ context.Context, in struct {
		ID   int64 `path:"id"`
		Body User
	}) (User, error) {
		return in.Body, nil
	})
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	w := &wire{ctx: t.Context(), body: []byte(userText)}
	got := testing.AllocsPerRun(500, func() {
		w.rest, w.out = w.body, w.out[:0]
		r.Serve(w)
	})
	if w.status != 200 || string(w.out) != userText {
		t.Errorf("got %d %s, want %s", w.status, w.out, userText)
	}
	if t.Log(got); got > 4 {
		t.Errorf("got %v allocations, want 4 at most", got)
	}
}
