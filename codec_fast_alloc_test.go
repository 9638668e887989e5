//go:build !race

package tako

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// wire is an Exchange that costs nothing, so that what is measured is the
// framework. It is both the request and its body.
type wire struct {
	method, target string
	contentType    string
	body, rest     []byte
	ctx            context.Context
	status         int
	out            []byte
}

func (w *wire) again() { w.rest, w.out = w.body, w.out[:0] }

func (w *wire) Read(p []byte) (int, error) {
	n := copy(p, w.rest)
	if w.rest = w.rest[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (w *wire) RequestHeader(name string) string {
	if name == "Content-Type" {
		return w.contentType
	}
	return ""
}

func (w *wire) WriteHead(status int, _ *Header, _ int64) error {
	w.status = status
	return nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *wire) Method() string                               { return w.method }
func (w *wire) Target() string                               { return w.target }
func (w *wire) Authority() string                            { return "sea" }
func (w *wire) Protocol() Protocol                           { return HTTP11 }
func (w *wire) RequestHeaderRepeats(string) bool             { return false }
func (w *wire) EachRequestHeader(func(string, string) bool)  {}
func (w *wire) ContentLength() int64                         { return int64(len(w.body)) }
func (w *wire) Body() io.Reader                              { return w }
func (w *wire) EachRequestTrailer(func(string, string) bool) {}
func (w *wire) WriteBuffers(net.Buffers) (int64, error)      { return 0, errors.ErrUnsupported }
func (w *wire) ReadFrom(io.Reader) (int64, error)            { return 0, errors.ErrUnsupported }
func (w *wire) Flush() error                                 { return nil }
func (w *wire) WriteTrailers(*Header) error                  { return nil }
func (w *wire) EarlyHints(*Header) error                     { return nil }
func (w *wire) EnableFullDuplex() error                      { return nil }
func (w *wire) SetReadDeadline(time.Time) error              { return nil }
func (w *wire) SetWriteDeadline(time.Time) error             { return nil }
func (w *wire) Abort()                                       {}
func (w *wire) ConnectProtocol() string                      { return "" }
func (w *wire) Proxied() bool                                { return false }
func (w *wire) AltSvc() string                               { return "" }
func (w *wire) Upgrade(*Header) (net.Conn, error)            { return nil, errors.ErrUnsupported }
func (w *wire) UpgradeEvents(*Header, string, StreamEvents, EventConfig) error {
	return errors.ErrUnsupported
}
func (w *wire) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errors.ErrUnsupported }
func (w *wire) ConnInfo() *ConnInfo                          { return &ConnInfo{} }
func (w *wire) Retain()                                      {}
func (w *wire) Draining() <-chan struct{}                    { return nil }
func (w *wire) Context() context.Context                     { return w.ctx }

type wireUser struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

type wireNewUser struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func (u *wireNewUser) Validate(context.Context) error {
	if u.Name == "" || !strings.Contains(u.Email, "@") {
		return errors.New("name and email are needed")
	}
	return nil
}

type wireUserByID struct {
	ID int64 `path:"id"`
}

type wireCreate struct{ Body wireNewUser }

// wireApp is the app of the load scenarios.
func wireApp(t testing.TB) *Router {
	r := New()
	r.Get("/", func(c *Context) error { return c.Text(200, "Hello, World!") })
	Get(r, "/users/{id}", func(_ context.Context, in wireUserByID) (wireUser, error) {
		return wireUser{ID: in.ID, Name: "octopus"}, nil
	})
	Post(r, "/users", func(_ context.Context, in wireCreate) (Created[wireUser], error) {
		return Created[wireUser]{Body: wireUser{1, in.Body.Name, in.Body.Email}}, nil
	})
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	return r
}

var wireCases = []struct {
	name   string
	ex     wire
	status int
	want   string
	allocs float64 // without the context, which the runtime makes
}{
	{"hello", wire{method: "GET", target: "/"}, 200, "Hello, World!", 0},
	{"get", wire{method: "GET", target: "/users/7"}, 200, `{"id":7,"name":"octopus"}`, 0},
	{"post", wire{method: "POST", target: "/users", contentType: "application/json",
		body: []byte(`{"name":"octopus","email":"octopus@example.com"}`)}, 201,
		`{"id":1,"name":"octopus","email":"octopus@example.com"}`, 1},
}

func BenchmarkServe(b *testing.B) {
	for _, tt := range wireCases {
		b.Run(tt.name, func(b *testing.B) {
			r, ex := wireApp(b), tt.ex
			ex.ctx = b.Context()
			b.ReportAllocs()
			for b.Loop() {
				ex.again()
				r.Serve(&ex)
			}
			if ex.status != tt.status || string(ex.out) != tt.want {
				b.Fatalf("got %d %s", ex.status, ex.out)
			}
		})
	}
}

func TestAllocServe(t *testing.T) {
	if !alone(t) {
		return
	}
	for _, tt := range wireCases {
		r, ex := wireApp(t), tt.ex
		ex.ctx = t.Context()
		got := testing.AllocsPerRun(500, func() {
			ex.again()
			r.Serve(&ex)
		})
		if ex.status != tt.status || string(ex.out) != tt.want {
			t.Errorf("%s: got %d %s", tt.name, ex.status, ex.out)
		}
		within(t, tt.name, got, tt.allocs)
	}
}
