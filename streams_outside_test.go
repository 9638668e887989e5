package tako_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/runtime/std"
	"github.com/tako-go/tako/stream/webtransport"
	"github.com/tako-go/tako/takotest"
	"github.com/tako-go/tako/transport/h3"
)

// handing is a response whose connection can be taken over.
type handing struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h handing) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

// piped upgrades a connection in memory, in the time of a bubble, and returns its far end.
func piped(t *testing.T, w *watched, cfg tako.EventConfig) *bufio.Reader {
	t.Helper()
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.UpgradeEvents(w, cfg) })
	near, far := net.Pipe()
	req := httptest.NewRequest("GET", "/", nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "reef")
	go app.ServeHTTP(handing{httptest.NewRecorder(), near}, req)
	r := bufio.NewReader(far)
	resp, err := http.ReadResponse(r, nil)
	assert.NoError(t, err)
	assert.Equal(t, resp.StatusCode, 101)
	<-w.open
	return r
}

// What waits for a peer is Unsent at most, 1 MiB without it.
func TestOutsideUnsent(t *testing.T) {
	for _, tt := range []struct{ set, want int }{{0, tako.DefaultUnsent}, {0, 1 << 20}, {1000, 1000}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched()
			piped(t, w, tako.EventConfig{Unsent: tt.set})
			assert.NoError(t, w.Do(func() {
				n, err := w.Write(make([]byte, tt.want+1))
				assert.Equal(t, n, 0)
				assert.Equal(t, err != nil, true)
				n, err = w.Write(make([]byte, tt.want))
				assert.Equal(t, n, tt.want)
				assert.NoError(t, err)
				_, err = w.Write([]byte("x"))
				assert.ErrorIs(t, err, tako.ErrFull)
			}))
			synctest.Wait()
			assert.NoError(t, w.Send(make([]byte, tt.want))) // counts apart
			assert.ErrorIs(t, w.Send([]byte("x")), tako.ErrFull)
			w.Abort()
			<-w.closed
			assert.ErrorIs(t, w.Do(func() {}), net.ErrClosed)
		})
	}
}

// A peer that takes nothing has WriteTimeout, 30 s without it.
func TestOutsideEventWriteTimeout(t *testing.T) {
	for _, tt := range []struct{ set, want time.Duration }{{0, 30 * time.Second}, {time.Hour, time.Hour}, {tako.NoLimit, 0}} {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched()
			piped(t, w, tako.EventConfig{WriteTimeout: tt.set})
			began := time.Now()
			assert.NoError(t, w.Send([]byte("x")))
			if tt.want == 0 {
				time.AfterFunc(100*time.Hour, w.Abort)
				<-w.closed
				assert.Equal(t, time.Since(began), 100*time.Hour)
				return
			}
			assert.ErrorIs(t, <-w.closed, os.ErrDeadlineExceeded)
			if took := time.Since(began); took < tt.want || took > tt.want+tt.want/4 {
				t.Errorf("ended after %v, want %v", took, tt.want)
			}
		})
	}
}

// A body is told of at its first bytes and its end, and in between each 64 KiB, if 100 ms have
// passed, or as often as is set.
func TestOutsideProgressConfig(t *testing.T) {
	for _, tt := range []struct {
		cfg   tako.ProgressConfig
		piece int
		pause time.Duration
		told  []int64 // how much was read, of eight pieces
	}{
		{tako.ProgressConfig{}, 16 << 10, 100 * time.Millisecond, []int64{1, 5, 8}},
		{tako.ProgressConfig{}, 64 << 10, 25 * time.Millisecond, []int64{1, 5, 8}},
		{tako.ProgressConfig{}, 64 << 10, 100 * time.Millisecond, []int64{1, 2, 3, 4, 5, 6, 7, 8}},
		{tako.ProgressConfig{Bytes: 32 << 10}, 16 << 10, 100 * time.Millisecond, []int64{1, 3, 5, 7, 8}},
		{tako.ProgressConfig{Interval: time.Hour}, 64 << 10, 100 * time.Millisecond, []int64{1, 8}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told []int64
			app := tako.New()
			app.Post("/", func(c *tako.Context) error {
				c.OnProgress(tt.cfg, func(p tako.Progress) {
					assert.NoError(t, p.Err)
					assert.Equal(t, p.Total, int64(8*tt.piece))
					assert.Equal(t, p.Done, p.Read == p.Total)
					told = append(told, p.Read/int64(tt.piece))
				})
				for range 8 {
					if _, err := io.ReadFull(c.Body(), make([]byte, tt.piece)); err != nil {
						return err
					}
					<-time.After(tt.pause)
				}
				return nil
			}, tako.BodyLimit(tako.NoLimit))
			takotest.New(t, app).Post("/", takotest.Body("text/plain", strings.Repeat("x", 8*tt.piece))).Expect(200)
			assert.Equal(t, told, tt.told)
		})
	}
}

// Who waits for the drain is told once, also when the handler has returned, or at once; or not, if
// that was taken back.
func TestOutsideOnDrain(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(app tako.App) tako.Server{
		"std":  func(app tako.App) tako.Server { return std.New(app, std.Config{Addr: "127.0.0.1:0"}) },
		"loop": func(app tako.App) tako.Server { return loop.New(app, loop.Config{Addr: "127.0.0.1:0", Loops: 1}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := make(chan string, 10)
			app := tako.New()
			app.Get("/", func(c *tako.Context) error {
				stop := c.OnDrain(func() { told <- "stopped" })
				assert.Equal(t, stop(), true)
				assert.Equal(t, stop(), false)
				c.OnDrain(func() { told <- "returned" })
				return nil
			})
			inside, goOn := make(chan struct{}), make(chan struct{})
			app.Get("/slow", func(c *tako.Context) error {
				close(inside)
				<-goOn
				stop := c.OnDrain(func() { told <- "late" })
				<-goOn
				assert.Equal(t, stop(), false)
				return nil
			})
			server := serve(app)
			assert.NoError(t, server.Listen(t.Context()))
			served := make(chan error, 1)
			go func() { served <- server.Serve() }()
			for _, path := range []string{"/", "/slow"} {
				go func() {
					if resp, err := http.Get("http://" + server.Addr().String() + path); err == nil {
						_ = resp.Body.Close()
					}
					told <- path
				}()
				if path == "/" {
					assert.Equal(t, <-told, path)
				}
			}
			<-inside
			shut := make(chan error, 1)
			go func() {
				_, err := server.Shutdown(context.Background())
				shut <- err
			}()
			assert.Equal(t, <-told, "returned")
			goOn <- struct{}{}
			assert.Equal(t, <-told, "late")
			close(goOn)
			assert.Equal(t, <-told, "/slow")
			assert.NoError(t, <-shut)
			assert.NoError(t, <-served)
			assert.Equal(t, len(told), 0)
		})
	}
}

// What each server says it can do.
func TestOutsideOffers(t *testing.T) {
	t.Parallel()
	all := []tako.Feature{tako.NeedsUpgrade, tako.NeedsRawConn, tako.NeedsFullDuplex, tako.NeedsWebTransport}
	assert.Equal(t, fmt.Sprint(all), "[upgrade raw connection full duplex WebTransport]")
	assert.Equal(t, tako.Feature(0).String(), "Feature(0)")
	app := tako.New()
	for name, tt := range map[string]struct {
		server tako.Server
		want   string
	}{
		"std":                  {std.New(app, std.Config{}), "[upgrade raw connection full duplex]"},
		"loop":                 {loop.New(app, loop.Config{}), "[upgrade raw connection full duplex]"},
		"h3":                   {h3.New(app, h3.Config{}), "[full duplex]"},
		"h3, extended CONNECT": {h3.New(app, h3.Config{ExtendedConnect: true}), "[upgrade full duplex]"},
		"h3, WebTransport":     {h3.New(app, h3.Config{WebTransport: webtransport.New(webtransport.ServerConfig{})}), "[full duplex WebTransport]"},
	} {
		teller, ok := tt.server.(tako.FeatureTeller)
		assert.Equal(t, ok, true, name)
		assert.Equal(t, teller.App() == tako.App(app), true, name)
		var offered []tako.Feature
		for _, f := range all {
			if teller.Offers(f) {
				offered = append(offered, f)
			}
		}
		assert.Equal(t, fmt.Sprint(offered), tt.want, name)
		assert.Equal(t, teller.Offers(0), false, name)
	}
}

type bubble struct {
	Depth int    `json:"depth" maximum:"9"`
	Name  string `json:"name" format:"fish"`
}

func (b *bubble) Validate(context.Context) error {
	if b.Depth == 7 {
		return errors.New("seven is taken")
	}
	return nil
}

// A Checker goes on when its request is over; the zero one knows no formats and no validator.
func TestOutsideChecker(t *testing.T) {
	t.Parallel()
	app := tako.New()
	app.Format("fish", func(s string) error {
		if s != "eel" {
			return errors.New("must be a fish")
		}
		return nil
	})
	app.Validator(func(_ context.Context, v any) error {
		if b, ok := v.(*bubble); ok && b.Depth == 8 {
			return errors.New("eight is odd")
		}
		return nil
	})
	var kept tako.Checker
	app.Get("/", func(c *tako.Context) error {
		kept = c.Checker()
		return nil
	})
	takotest.New(t, app).Get("/").Expect(200)
	for _, tt := range []struct {
		value      bubble
		kept, zero bool
	}{
		{bubble{1, "eel"}, true, true},
		{bubble{10, "eel"}, false, false},
		{bubble{7, "eel"}, false, false},
		{bubble{8, "eel"}, false, true},
		{bubble{1, "cow"}, false, true},
	} {
		for checker, good := range map[*tako.Checker]bool{&kept: tt.kept, new(tako.Checker): tt.zero} {
			err := checker.Check(t.Context(), &tt.value, nil)
			assert.Equal(t, err == nil, good, fmt.Sprint(tt.value), err)
			if e, ok := errors.AsType[*tako.Error](err); !good {
				assert.Equal(t, ok && e.Status == 422, true, err)
			}
		}
	}
	e, ok := errors.AsType[*tako.Error](kept.Check(t.Context(), bubble{}, nil))
	assert.Equal(t, ok && e.Status == 500, true)
}

// Any name comes back from the field, and none can break out of it.
func TestOutsideContentDisposition(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"plain.txt": "plain.txt", "with space.txt": "with space.txt", `q"uote.txt`: `q"uote.txt`, "Ölfarbe ☃.pdf": "Ölfarbe ☃.pdf",
		"a/b/c.txt": "c.txt", `C:\dir\d.txt`: "d.txt", "x\r\nSet-Cookie: a=b": "x\r\nSet-Cookie: a=b", "semi;colon.txt": "semi;colon.txt", "100%.txt": "100%.txt", "": "",
	} {
		value := tako.ContentDisposition(name)
		assert.Equal(t, strings.ContainsAny(value, "\r\n"), false, name)
		kind, params, err := mime.ParseMediaType(value)
		assert.NoError(t, err, value)
		assert.Equal(t, kind, "attachment")
		assert.Equal(t, params["filename"], want, value)
		assert.Equal(t, len(params), min(len(params), 1), value)
	}
	app := tako.New()
	app.Get("/", func(c *tako.Context) error { return c.Attachment("go.mod", "Ölfarbe.pdf") })
	takotest.New(t, app).Get("/").Expect(200).ExpectHeader("Content-Disposition", tako.ContentDisposition("Ölfarbe.pdf"))
}
