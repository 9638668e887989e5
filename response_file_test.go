package tako_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
	"github.com/tako-go/tako/takotest"
)

// A client that resets the connection while the kernel copies a file to it is gone, which is no
// failure. One of what is read is, also if it looks alike.
func TestReadFromClientGone(t *testing.T) {
	t.Parallel()
	recordLogs()
	name := filepath.Join(t.TempDir(), "large")
	assert.NoError(t, os.WriteFile(name, nil, 0o600))
	assert.NoError(t, os.Truncate(name, 256<<20))
	for runtime, serve := range map[string]func(tako.App) *takotest.Server{
		"std": func(app tako.App) *takotest.Server { return takotest.Serve(t, app) },
		"loop": func(app tako.App) *takotest.Server {
			return takotest.Run(t, loop.New(app, loop.Config{Addr: "127.0.0.1:0", Loops: 1, KeepProcs: true}))
		},
	} {
		done, failed := make(chan tako.Outcome, 1), make(chan error, 1)
		r := tako.New()
		r.Use(outcomes(done))
		r.Get("/gone/"+runtime, func(c *tako.Context) error {
			err := c.File(name)
			failed <- err
			return err
		})
		r.Get("/fails/"+runtime, func(c *tako.Context) error {
			reset := iotest.ErrReader(&net.OpError{Op: "read", Err: syscall.ECONNRESET})
			return c.Stream(200, "text/plain", io.MultiReader(io.LimitReader(zeros{}, 100_000), reset))
		})
		s := serve(r)
		conn := s.Dial()
		assert.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
		_, err := io.WriteString(conn, "GET /gone/"+runtime+" HTTP/1.1\r\nHost: a.example\r\n\r\n")
		assert.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, 1<<20))
		assert.NoError(t, err)
		assert.NoError(t, conn.(*net.TCPConn).SetLinger(0))
		assert.NoError(t, conn.Close())
		assert.ErrorIs(t, <-failed, tako.ErrClientGone, runtime)
		assert.ErrorIs(t, (<-done).Err, tako.ErrClientGone, runtime)
		assert.Equal(t, len(logsOf("/gone/"+runtime)), 0, runtime)

		if resp := s.Get("/fails/" + runtime); resp.Broken == nil {
			t.Errorf("%s: got a whole response", runtime)
		}
		if err := (<-done).Err; !errors.Is(err, syscall.ECONNRESET) || errors.Is(err, tako.ErrClientGone) {
			t.Errorf("%s: got %v, want a failure to read", runtime, err)
		}
		assert.Equal(t, len(logsOf("/fails/"+runtime)), 1, runtime)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
