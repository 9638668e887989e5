package ws_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/stream/ws"
)

// A large message is written and read in parts, and what is not read of one is skipped.
func TestReaderWriter(t *testing.T) {
	for _, compression := range []ws.Compression{{}, {Enabled: true}, {Enabled: true, NoContextTakeover: true}} {
		cfg := ws.Config{MaxMessage: tako.NoLimit, MaxFrame: 64 << 10, Compression: compression}
		everywhere(t, func() *tako.Router {
			app := tako.New()
			app.Get("/", ws.Handler(cfg, func(ctx context.Context, c *ws.Conn) error {
				for {
					typ, r, err := c.Reader(ctx)
					if err != nil {
						return err
					}
					w, err := c.Writer(ctx, typ)
					if err != nil {
						return err
					}
					if err := c.SendText("between"); err != nil { // goes out behind it
						return err
					}
					if _, err := io.Copy(w, r); err != nil {
						return err
					}
					if err := w.Close(); err != nil {
						return err
					}
				}
			}))
			return app
		}, func(t *testing.T, to *target) {
			c := to.open(t, "/", ws.DialConfig{Config: cfg})
			text := strings.Repeat("large messages come in parts; ", 20000)
			for range 2 {
				sent := make(chan error, 1)
				go func() {
					w, err := c.Writer(within(t), ws.Text)
					if err == nil {
						_, err = io.WriteString(w, text)
						err = errors.Join(err, w.Close())
					}
					sent <- err
				}()
				typ, r, err := c.Reader(within(t))
				assert.NoError(t, err)
				assert.Equal(t, typ, ws.Text)
				got, err := io.ReadAll(r)
				assert.NoError(t, err)
				assert.Equal(t, string(got) == text, true)
				assert.NoError(t, <-sent)
				_, p, err := c.Read(within(t))
				assert.NoError(t, err)
				assert.Equal(t, string(p), "between")
			}
			sent := make(chan error, 1)
			go func() { sent <- c.Write(within(t), ws.Text, []byte(text[:40000])) }()
			_, r, err := c.Reader(within(t))
			assert.NoError(t, err)
			_, err = io.ReadFull(r, make([]byte, 10))
			assert.NoError(t, err)
			assert.NoError(t, <-sent)
			_, p, err := c.Read(within(t)) // the rest is skipped
			assert.NoError(t, err)
			assert.Equal(t, string(p), "between")
			_, err = r.Read(make([]byte, 1))
			assert.Equal(t, err != nil, true)
			assert.NoError(t, c.Close(ws.CodeNormal, ""))
		})
	}
}

type move struct {
	X    int    `json:"x" minimum:"0" maximum:"9"`
	Name string `json:"name,omitempty" format:"square"`
}

type board struct {
	At int `json:"at"`
}

func TestJSON(t *testing.T) {
	everywhere(t, func() *tako.Router {
		app := tako.New()
		app.Format("square", func(s string) error {
			if s != "" && len(s) != 2 {
				return errors.New("must be a square")
			}
			return nil
		})
		app.Validator(func(_ context.Context, v any) error {
			if m, ok := v.(*move); ok && m.X == 7 {
				return errors.New("seven is taken")
			}
			return nil
		})
		app.Get("/events", ws.JSON[move, board]{OnMessage: func(p ws.Peer[board], m move) { _ = p.Send(board{m.X * 2}) }}.Handler(ws.Config{}))
		app.Get("/blocking", ws.Handler(ws.Config{}, func(ctx context.Context, c *ws.Conn) error {
			for {
				m, err := ws.ReadJSON[move](ctx, c)
				if invalid, ok := errors.AsType[*tako.Error](err); ok {
					return c.Close(map[int]ws.Code{400: ws.CodeInvalidPayload, 422: ws.CodePolicy}[invalid.Status], invalid.Detail)
				} else if err != nil {
					return err
				}
				if err := ws.WriteJSON(ctx, c, board{m.X * 2}); err != nil {
					return err
				}
			}
		}))
		return app
	}, func(t *testing.T, to *target) {
		for _, form := range forms {
			for text, want := range map[string]ws.Code{`{"x":3}`: 0, `{"x":`: ws.CodeInvalidPayload, `{"x":10}`: ws.CodePolicy, `{"x":7}`: ws.CodePolicy, `{"x":3,"name":"a"}`: ws.CodePolicy} {
				c := to.open(t, form, ws.DialConfig{})
				assert.NoError(t, c.Write(within(t), ws.Text, []byte(text)))
				got, err := ws.ReadJSON[board](within(t), c)
				if want == 0 {
					assert.NoError(t, err)
					assert.Equal(t, got.At, 6)
					assert.NoError(t, c.Close(ws.CodeNormal, ""))
				} else {
					assert.Equal(t, ws.CodeOf(err), want, text)
				}
			}
		}
	})
}

// A context ends what waits, and nothing else.
func TestContexts(t *testing.T) {
	everywhere(t, echoes(ws.Config{}), func(t *testing.T, to *target) {
		c := to.open(t, "/events", ws.DialConfig{})
		ctx, cancel := context.WithCancel(within(t))
		go cancel()
		_, _, err := c.Read(ctx)
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, c.Write(ctx, ws.Text, []byte("x")), context.Canceled)
		assert.ErrorIs(t, c.Ping(ctx), context.Canceled)
		assert.NoError(t, c.Write(within(t), ws.Text, []byte("y")))
		_, p, err := c.Read(within(t))
		assert.NoError(t, err)
		assert.Equal(t, string(p), "y")
	})
}

// ReadAppend leaves what its memory has, and reads on behind it.
func TestReadAppend(t *testing.T) {
	for _, compression := range []ws.Compression{{}, {Enabled: true}} {
		cfg := ws.Config{Compression: compression}
		everywhere(t, echoes(cfg), func(t *testing.T, to *target) {
			c := to.open(t, "/events", ws.DialConfig{Config: cfg})
			memory := make([]byte, 0, 100_000)
			all := memory
			for _, text := range []string{"first ", "", strings.Repeat("larger than a read ", 2000), strings.Repeat("z", 20_000), "last"} {
				assert.NoError(t, c.Write(within(t), ws.Text, []byte(text)))
				typ, p, err := c.ReadAppend(within(t), all)
				assert.NoError(t, err)
				assert.Equal(t, typ, ws.Text)
				assert.Equal(t, string(p) == string(all)+text, true, len(text))
				all = p
			}
			assert.Equal(t, &all[0] == &memory[:1][0], true, "the memory is used")
			over, cancel := context.WithCancel(context.Background())
			cancel()
			_, p, err := c.ReadAppend(over, all[:5])
			assert.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, string(p), "first")
			assert.NoError(t, c.Close(ws.CodeNormal, ""))
			_, p, err = c.ReadAppend(within(t), all[:5])
			assert.ErrorIs(t, err, ws.ErrClosed)
			assert.Equal(t, string(p), "first")
		})
	}
}
