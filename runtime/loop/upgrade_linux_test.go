package loop_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/runtime/loop"
)

// Events come in order, with bytes that came behind the request, and the 101 behind the
// answers to earlier requests.
func TestUpgradeOrder(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		var told journal
		gone := make(closings, 1)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{
				open: func(s tako.EventStream) {
					told.add("open")
					assert.Equal(t, s.OnLoop(), true, "OnLoop")
					assert.Equal(t, s.Info().Remote != nil, true, "Remote")
					_, _ = io.WriteString(writerOf{s}, "hi ")
				},
				data: func(s tako.EventStream, p []byte) {
					told.add("data:" + string(p))
					echoStream(s, p)
				},
				end: func(s tako.EventStream) {
					told.add("end")
					_, _ = io.WriteString(writerOf{s}, " bye")
					s.Close()
				},
				closed: func(err error) {
					told.add("closed")
					gone.tell(err)
				},
			}
		}, tako.EventConfig{}, tako.Limits{})
		c := r.connect()
		_, err := io.WriteString(c, asking("/")+upgradeRequest+"first")
		assert.NoError(t, err)
		resp, err := http.ReadResponse(c.r, nil)
		assert.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, string(body), "plain")
		c.switched(t)
		says(t, c, "", "hi first")
		says(t, c, "second", "second")
		c.closeWrite(t)
		says(t, c, "", " bye")
		ends(t, c)
		_ = c.Close()
		assert.ErrorIs(t, gone.next(t), io.EOF)
		assert.Equal(t, told.String(), "open data:first data:second end closed")
		assert.Equal(t, r.s.Stats().Events >= 4, true, "events")
	})
}

type writerOf struct{ tako.EventStream }

// A handler that fails behind UpgradeEvents has the connection broken off, and nothing but
// Closed told.
func TestUpgradeFails(t *testing.T) {
	ways := map[string]tako.Handler{
		"error": func(*tako.Context) error { return errors.New("on purpose") },
		"panic": func(*tako.Context) error { panic("on purpose") },
		"exit":  func(*tako.Context) error { runtime.Goexit(); return nil },
	}
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		for name, fail := range ways {
			t.Run(name, func(t *testing.T) {
				var told journal
				gone := make(closings, 1)
				r := w.start(t, func() tako.StreamEvents {
					return &streamFuncs{
						open:   func(tako.EventStream) { told.add("open") },
						data:   func(tako.EventStream, []byte) { told.add("data") },
						closed: gone.tell,
					}
				}, tako.EventConfig{}, tako.Limits{}, fail)
				c := r.connect()
				_, err := io.WriteString(c, upgradeRequest+"first")
				assert.NoError(t, err)
				if _, err := io.ReadAll(c); err == nil {
					t.Error("the connection ended in good order")
				}
				assert.Equal(t, gone.next(t) != nil, true, "error of Closed")
				assert.Equal(t, told.String(), "")
			})
		}
	})
}

// A client that is gone before the handler has returned is told of all the same.
func TestUpgradeClientGone(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		for _, reset := range []bool{false, true} {
			gone, inside := make(closings, 1), make(chan struct{}, 1)
			r := w.start(t, func() tako.StreamEvents {
				return &streamFuncs{closed: gone.tell}
			}, tako.EventConfig{}, tako.Limits{}, func(c *tako.Context) error {
				inside <- struct{}{}
				select {
				case <-c.Context().Done():
				case <-time.After(enough):
					t.Error("the handler was not told")
				}
				return nil
			})
			c := r.connect()
			_, err := io.WriteString(c, upgradeRequest)
			assert.NoError(t, err)
			await(t, "the handler to run", inside)
			if reset {
				assert.NoError(t, c.tcp.SetLinger(0))
			}
			_ = c.tcp.Close()
			assert.Equal(t, gone.next(t) != nil, true, "error of Closed")
		}
	})
}

// A second answer, or a second upgrade, is refused.
func TestUpgradeOnce(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		r := w.start(t, func() tako.StreamEvents { return &streamFuncs{data: echoStream} }, tako.EventConfig{}, tako.Limits{}, func(c *tako.Context) error {
			if _, _, err := c.Hijack(); err == nil {
				t.Error("Hijack has no error")
			}
			_ = c.EarlyHints()
			_ = c.Flush()
			return nil
		})
		c := r.dial("one")
		says(t, c, "", "one")
	})
}

// Pause stops Data, Resume goes on, and nothing is lost.
func TestUpgradePause(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		streams := make(chan tako.EventStream, 1)
		var held atomic.Bool
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{
				open: func(s tako.EventStream) {
					held.Store(true)
					s.Pause()
					streams <- s
				},
				data: func(s tako.EventStream, p []byte) {
					if held.Load() {
						t.Error("Data was called behind Pause")
					}
					echoStream(s, p)
				},
			}
		}, tako.EventConfig{}, tako.Limits{})
		c := r.dial("first ")
		s := await(t, "Open", streams)
		_, err := io.WriteString(c, "second ")
		assert.NoError(t, err)
		_, err = io.WriteString(c, "third")
		assert.NoError(t, err)
		assert.NoError(t, s.Do(func() {})) // something else may happen meanwhile
		pass(t, 20*time.Millisecond)
		assert.NoError(t, s.Do(func() { held.Store(false); s.Resume() }))
		says(t, c, "", "first second third")
	})
}

// A client that does not read holds its own stream up: writes fail with ErrFull, Data waits, and
// Writable comes when it has read.
func TestUpgradeFull(t *testing.T) {
	const unsent, all = 256 << 10, 24 << 20
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 2<<10)
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		full := make(chan struct{}, 1)
		total := 0
		stuff := func(s tako.EventStream) {
			for ; total < all; total += len(chunk) {
				if _, err := s.Write(chunk); err != nil {
					assert.ErrorIs(t, err, loop.ErrFull)
					return
				}
			}
			_, _ = io.WriteString(writerOf{s}, "end")
		}
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{
				data: func(s tako.EventStream, p []byte) {
					if _, err := s.Write(make([]byte, unsent+1)); err == nil || errors.Is(err, tako.ErrFull) {
						t.Errorf("writing too much at once: %v", err)
					}
					if total > 0 {
						if n := s.Waiting(); n > 64<<10 {
							t.Errorf("Data while %d bytes wait", n)
						}
						return
					}
					stuff(s)
					full <- struct{}{}
				},
				writable: stuff,
			}
		}, tako.EventConfig{Unsent: unsent}, tako.Limits{})
		c := r.dial("go")
		await(t, "ErrFull", full)
		_, err := io.WriteString(c, "more")
		assert.NoError(t, err)
		got, buf := 0, make([]byte, len(chunk))
		for ; got < all; got += len(chunk) {
			_, err := io.ReadFull(c, buf)
			assert.NoError(t, err)
			if !bytes.Equal(buf, chunk) {
				t.Fatalf("the bytes from %d on are wrong", got)
			}
		}
		says(t, c, "", "end")
	})
}

// Close and Reset of both sides.
func TestUpgradeEnds(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		gone := make(closings, 1)
		big := bytes.Repeat([]byte("x"), 700<<10)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{closed: gone.tell, data: func(s tako.EventStream, p []byte) {
				switch string(p) {
				case "close":
					_, _ = s.Write(big)
					s.Close()
					if _, err := s.Write(p); err == nil {
						t.Error("Write behind Close has no error")
					}
				case "reset":
					s.Reset()
				case "panic":
					panic("on purpose")
				case "exit":
					runtime.Goexit()
				default:
					echoStream(s, p)
				}
			}}
		}, tako.EventConfig{}, tako.Limits{})

		c := r.dial("close")
		rest, err := io.ReadAll(c)
		assert.NoError(t, err)
		assert.Equal(t, len(rest), len(big))
		_ = c.Close()
		assert.NoError(t, gone.next(t))

		for what, cause := range map[string]error{"reset": context.Canceled, "panic": nil, "exit": nil} {
			c = r.dial("")
			says(t, c, "x", "x")
			_, err = io.WriteString(c, what)
			assert.NoError(t, err)
			if _, err := io.ReadAll(c); err == nil {
				t.Errorf("%s: the connection ended in good order", what)
			}
			if err := gone.next(t); err == nil || cause != nil && !errors.Is(err, cause) || what == "panic" && tako.PanicStack(err) == nil {
				t.Errorf("%s: got error %v of Closed", what, err)
			}
		}
		assert.Contains(t, r.log.String(), "on purpose")

		c = r.dial("")
		says(t, c, "x", "x")
		c.closeWrite(t)
		ends(t, c)
		_ = c.Close()
		assert.ErrorIs(t, gone.next(t), io.EOF)

		c = r.dial("")
		says(t, c, "x", "x")
		assert.NoError(t, c.tcp.SetLinger(0))
		_ = c.tcp.Close()
		if err := gone.next(t); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("client resets: got error %v of Closed", err)
		}
	})
}

// An upgraded stream has the write timeout that was asked for, and no idle timeout.
func TestUpgradeTimeouts(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		gone := make(closings, 2)
		limits := tako.Limits{IdleTimeout: 50 * time.Millisecond, HeaderTimeout: soon, WriteTimeout: time.Hour}
		big := make([]byte, 16<<20)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{closed: gone.tell, data: func(s tako.EventStream, p []byte) {
				if string(p) == "big" {
					_, err := s.Write(big)
					assert.NoError(t, err)
					return
				}
				echoStream(s, p)
			}}
		}, tako.EventConfig{Unsent: len(big), WriteTimeout: 2 * soon}, limits)
		late := int64(0) // connections that were too slow with their request
		dial := func(behind string) (c *upgraded) {
			unstalled(t, func() bool {
				c = r.connect()
				_, _ = io.WriteString(c, upgradeRequest+behind)
				if _, err := c.r.Peek(1); err != nil {
					late++
					return false
				}
				c.switched(t)
				return true
			})
			return c
		}
		idle, stalled := dial(""), dial("big")
		assert.ErrorIs(t, gone.next(t), os.ErrDeadlineExceeded)
		if n, err := io.Copy(io.Discard, stalled); err == nil {
			t.Errorf("the connection ended in good order after %d bytes", n)
		}
		says(t, idle, "still here", "still here")
		assert.Eventually(t, enough, "it is counted", func() bool { return r.s.Stats().TimedOut == 1+late })
	})
}

// Streams are told of a shutdown, may go on, and are cut at its end.
func TestUpgradeDrain(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		gone, drained := make(closings, 2), make(chan struct{}, 2)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{
				data: func(s tako.EventStream, p []byte) {
					if echoStream(s, p); string(p) == "bye" {
						s.Close()
					}
				},
				drain: func(s tako.EventStream) {
					_ = s.Send([]byte("please leave"))
					drained <- struct{}{}
				},
				closed: gone.tell,
			}
		}, tako.EventConfig{}, tako.Limits{})
		r.cut = true
		leaves, stays := r.dial("1"), r.dial("2")
		says(t, leaves, "", "1")
		says(t, stays, "", "2")
		type end struct {
			report tako.Report
			err    error
		}
		over := make(chan end, 1)
		ctx, cut := context.WithCancel(t.Context())
		defer cut()
		go func() {
			report, err := r.s.Shutdown(ctx)
			over <- end{report, err}
		}()
		says(t, leaves, "", "please leave")
		says(t, stays, "", "please leave")
		await(t, "Drain", drained)
		await(t, "Drain of the other", drained)
		says(t, stays, "go on", "go on")
		says(t, leaves, "bye", "bye")
		ends(t, leaves)
		_ = leaves.Close()
		assert.NoError(t, gone.next(t))
		assert.Eventually(t, enough, "one has left", func() bool { return r.s.Stats().Conns == 1 })
		cut()
		e := await(t, "Shutdown", over)
		assert.ErrorIs(t, e.err, context.Canceled)
		assert.Equal(t, e.report.Cut, 1)
		assert.Equal(t, e.report.Drained, 1)
		if _, err := io.ReadAll(stays); err == nil {
			t.Error("a connection that was cut has ended in good order")
		}
		assert.ErrorIs(t, gone.next(t), loop.ErrShutdown)
	})
}

// A stream that is upgraded while the server stops is told so at once.
func TestUpgradeDuringDrain(t *testing.T) {
	overUpgrades(t, plainWays, func(t *testing.T, w upgradeWay) {
		inside := make(chan struct{}, 1)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{drain: func(s tako.EventStream) {
				_, _ = io.WriteString(writerOf{s}, "leave")
				s.Close()
			}}
		}, tako.EventConfig{}, tako.Limits{}, func(c *tako.Context) error {
			inside <- struct{}{}
			<-c.Draining()
			return nil
		})
		c := r.connect()
		_, err := io.WriteString(c, upgradeRequest)
		assert.NoError(t, err)
		await(t, "the handler to run", inside)
		over := make(chan error, 1)
		go func() {
			_, err := r.shutdown(enough)
			over <- err
		}()
		c.switched(t)
		says(t, c, "", "leave")
		ends(t, c)
		_ = c.Close()
		assert.NoError(t, await(t, "Shutdown", over))
	})
}

// A handler that returns when everything is over has Closed told all the same.
func TestUpgradeBehindCut(t *testing.T) {
	overUpgrades(t, upgradeWays, func(t *testing.T, w upgradeWay) {
		inside, free := make(chan struct{}, 1), make(chan struct{})
		var told journal
		gone := make(closings, 1)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{open: func(tako.EventStream) { told.add("open") }, closed: gone.tell}
		}, tako.EventConfig{}, tako.Limits{}, func(c *tako.Context) error {
			inside <- struct{}{}
			<-free
			return nil
		})
		r.cut = true
		c := r.connect()
		_, err := io.WriteString(c, upgradeRequest)
		assert.NoError(t, err)
		await(t, "the handler to run", inside)
		report, err := r.shutdown(50 * time.Millisecond)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, report.Cut, 1)
		close(free)
		assert.ErrorIs(t, gone.next(t), loop.ErrShutdown)
		assert.Equal(t, told.String(), "")
	})
}

// Connections that have left their loop have a goroutine, and the same events.
func TestUpgradeOffLoop(t *testing.T) {
	overUpgrades(t, plainWays, func(t *testing.T, w upgradeWay) {
		var on atomic.Bool
		on.Store(true)
		r := w.start(t, func() tako.StreamEvents {
			return &streamFuncs{open: func(s tako.EventStream) { on.Store(s.OnLoop()) }, data: echoStream}
		}, tako.EventConfig{}, tako.Limits{})
		unstalled(t, func() bool {
			c := r.connect()
			// A body that is not there as a whole takes the connection off its loop. The server
			// may be so late that it is.
			_, err := io.WriteString(c, "POST /none HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nb")
			assert.NoError(t, err)
			pass(t, 20*time.Millisecond)
			_, err = io.WriteString(c, "od"+upgradeRequest)
			assert.NoError(t, err)
			resp, err := http.ReadResponse(c.r, nil)
			assert.NoError(t, err)
			assert.Equal(t, resp.StatusCode, http.StatusNotFound)
			_, _ = io.Copy(io.Discard, resp.Body)
			c.switched(t)
			says(t, c, "x", "x")
			return !on.Load()
		})
	})
}
