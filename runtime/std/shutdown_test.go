package std_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/std"
)

// A ready-made listener belongs to the server, also to one that never served.
func TestListenerClosed(t *testing.T) {
	t.Parallel()
	broken := tako.New()
	broken.Get("/{", func(c *tako.Context) error { return nil })
	tests := []struct {
		name   string
		app    tako.App
		limits tako.Limits
		stop   bool // before Listen
	}{
		{name: "shut down before", app: hello(), stop: true},
		{name: "bad limits", app: hello(), limits: tako.Limits{Conns: -7}},
		{name: "bad routes", app: broken},
		{name: "no app"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ln := tcp(t)
			s := std.New(tt.app, std.Config{Listener: ln, Limits: tt.limits, Log: quiet})
			if tt.stop {
				report, err := s.Shutdown(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, report.Cut+report.Drained+report.Idle, 0, "connections")
				assert.Equal(t, ln.closed.Load(), true, "closed by Shutdown")
			}
			err := s.Listen(t.Context())
			if err == nil {
				t.Error("Listen: got no error")
			}
			if tt.stop {
				assert.ErrorIs(t, err, http.ErrServerClosed)
			}
			assert.Equal(t, ln.closed.Load(), true, "closed")
			assert.Equal(t, s.Addr(), nil, "address")
			_, err = s.Shutdown(t.Context())
			assert.NoError(t, err)
		})
	}
}

// A second Listen is a mistake that does no harm to what the first one began.
func TestListenTwice(t *testing.T) {
	t.Parallel()
	ln := tcp(t)
	s := startWith(t, hello(), std.Config{Listener: ln})
	if err := s.Listen(t.Context()); err == nil {
		t.Error("got no error")
	}
	assert.Equal(t, ln.closed.Load(), false, "closed")
	c := dial(t, s)
	c.get("/")
	assert.Equal(t, c.answer(http.StatusOK), "hello")
}

// Who shuts a server down before it serves gets it back from Serve at once.
func TestShutdownBeforeServe(t *testing.T) {
	t.Parallel()
	ln := tcp(t)
	s := std.New(hello(), std.Config{Listener: ln, Log: quiet})
	assert.NoError(t, s.Listen(t.Context()))
	_, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, ln.closed.Load(), true, "closed")
	assert.NoError(t, s.Serve())
}

// The result of a Shutdown that has ended is there for everybody.
func TestShutdownAgain(t *testing.T) {
	t.Parallel()
	s := start(t, hello(), tako.Limits{})
	c := dial(t, s)
	c.get("/")
	c.answer(http.StatusOK)
	first, err := s.Shutdown(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, first.Idle+first.Drained, 1, "connections")
	for range 100 {
		again, err := s.Shutdown(over())
		if again != first || err != nil {
			t.Fatalf("got %v, %v, want %v", again, err, first)
		}
	}
}

// A later Shutdown gives up waiting with its own context; the first goes on.
func TestShutdownMeanwhile(t *testing.T) {
	t.Parallel()
	app := tako.New()
	entered, release := make(chan struct{}), make(chan struct{})
	app.Get("/", func(c *tako.Context) error {
		close(entered)
		<-release
		return c.Text(http.StatusOK, "done")
	})
	s := start(t, app, tako.Limits{})
	c := dial(t, s)
	c.get("/")
	<-entered
	result := make(chan tako.Report, 1)
	go func() {
		report, err := s.Shutdown(context.Background())
		if err != nil {
			t.Error(err)
		}
		result <- report
	}()
	assert.Eventually(t, patience, "nobody can connect", func() bool {
		conn, err := net.Dial("tcp", s.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	report, err := s.Shutdown(over())
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, report, tako.Report{})
	close(release)
	assert.Equal(t, c.answer(http.StatusOK), "done")
	assert.Equal(t, (<-result).Cut, 0, "cut")
}

// stuck is a listener without deadlines that claims to have them.
type stuck struct{ net.Listener }

func (stuck) SetDeadline(time.Time) error { return nil }

func TestShutdownStuckListener(t *testing.T) {
	t.Parallel()
	shut := func(timeout time.Duration) func(t *testing.T) {
		return func(t *testing.T) {
			s := std.New(hello(), std.Config{Listener: stuck{tcp(t)}, Log: quiet})
			assert.NoError(t, s.Listen(t.Context()))
			go func() { _ = s.Serve() }()
			c := dial(t, s)
			c.get("/")
			c.answer(http.StatusOK)
			ctx := context.Background()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = s.Shutdown(ctx)
			}()
			select {
			case <-ended:
			case <-time.After(patience / 2):
				t.Errorf("Shutdown goes on after %v", patience/2)
			}
		}
	}
	together(t, map[string]func(t *testing.T){
		"no deadline": shut(0),
		"in time":     shut(short),
	})
}

// Clients that come all the time do not keep the drain from its end.
func TestShutdownFlood(t *testing.T) {
	t.Parallel()
	s := start(t, hello(), tako.Limits{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				conn, err := net.Dial("tcp", s.Addr().String())
				if err != nil {
					return
				}
				_ = conn.(*net.TCPConn).SetLinger(0)
				conn.Close()
			}
		})
	}
	defer wg.Wait()
	defer close(stop)
	assert.Eventually(t, patience, "some hundred came", func() bool { return s.Stats().Accepted > 300 })
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	report, err := s.Shutdown(ctx)
	assert.NoError(t, err)
	assert.Equal(t, report.Cut, 0, "cut")
}
