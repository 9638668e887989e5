//go:build unix

package tako_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// reloading is a server that notes when it has to reload.
type reloading struct {
	*fakeServer
	reloads bool
	err     error
	came    chan struct{}
}

func (s *reloading) Reloads() bool { return s.reloads }

func (s *reloading) Reload(context.Context) error {
	s.came <- struct{}{}
	return s.err
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// A signal has all servers reload that have something to be read again; what goes wrong with
// one does not keep the others from it, and all go on.
func TestRunReloads(t *testing.T) {
	for _, sig := range []os.Signal{nil, syscall.SIGWINCH} {
		d := new(diary)
		bad := &reloading{fakeServer: newFake(d, "bad"), reloads: true, err: errors.New("no such file"), came: make(chan struct{}, 9)}
		good := &reloading{fakeServer: newFake(d, "good"), reloads: true, came: make(chan struct{}, 9)}
		none := &reloading{fakeServer: newFake(d, "none"), came: make(chan struct{}, 9)}
		log := new(lockedBuffer)
		runner := tako.Runner{Log: slog.New(slog.NewTextHandler(log, nil))}
		send := syscall.SIGHUP
		if sig != nil {
			runner.Reload, send = []os.Signal{sig}, sig.(syscall.Signal)
		}
		ctx, cancel := context.WithCancel(context.Background())
		begun := make(chan struct{})
		runner.OnListen = func() { close(begun) }
		ended := make(chan error, 1)
		go func() {
			_, err := runner.Run(ctx, bad, good, none)
			ended <- err
		}()
		<-begun
		for range 2 {
			assert.NoError(t, syscall.Kill(os.Getpid(), send))
			for _, s := range []*reloading{bad, good} {
				select {
				case <-s.came:
				case <-time.After(patience):
					t.Fatalf("%v: %s was not told", send, s.name)
				}
			}
		}
		cancel()
		assert.NoError(t, <-ended)
		assert.Equal(t, len(none.came), 0, "reloads of a server without certificates")
		assert.Contains(t, log.String(), "no such file")
	}
}
