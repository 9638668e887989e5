package http2serve_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/internal/assert"
)

// limited runs a case on a server with these settings.
func limited(t *testing.T, name string, cfg config, run func(t *testing.T, s *server)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		over(t, allTargets, func(t *testing.T, k target) {
			release := make(chan struct{})
			app := reading()
			app.Get("/wait", func(c *tako.Context) error {
				<-release
				return c.Text(http.StatusOK, "waited")
			})
			app.Get("/large", func(c *tako.Context) error { return c.Text(http.StatusOK, strings.Repeat("x", 300<<10)) })
			app.Get("/release", func(c *tako.Context) error { close(release); return c.Text(http.StatusOK, "") })
			run(t, k.serve(t, app, cfg))
		})
	})
}

// Each setting has its effect, end to end.
func TestSettings(t *testing.T) {
	leavesNothing(t)
	limited(t, "Streams", config{http2: tako.HTTP2Config{Streams: 3}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		assert.Equal(t, c.settings[http2.SettingMaxConcurrentStreams], uint32(3))
		for id := uint32(1); id <= 7; id += 2 {
			c.get(id, "/wait")
		}
		c.until("the refusal", c.on(7).over)
		assert.Equal(t, c.on(7).code(), int(http2.ErrCodeRefusedStream))
		assert.NoError(t, c.fr.WriteRSTStream(1, http2.ErrCodeCancel)) // its handler still runs
		c.get(9, "/")
		c.until("the refusal", c.on(9).over)
		assert.Equal(t, c.on(9).code(), int(http2.ErrCodeRefusedStream))
		assert.Equal(t, get(t, s.client(t), s.url("/release"), 200), "")
		c.answered(200, 3, 5)
	})
	limited(t, "Window", config{http2: tako.HTTP2Config{Window: 10, MaxWindow: 10}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		assert.Equal(t, c.settings[http2.SettingInitialWindowSize], uint32(10))
		c.head(1, false, "POST", "/")
		c.data(1, false, "0123456789")
		c.until("window", func() bool { return c.window[1] >= 5 })
		c.data(1, false, "01234567890")
		c.until("the reset", c.on(1).over)
		assert.Equal(t, c.on(1).code(), int(http2.ErrCodeFlowControl))
		got, err := ask(s.client(t), request(t, "POST", s.url("/"), strings.NewReader(strings.Repeat("abc", 1000))))
		assert.NoError(t, err)
		assert.Equal(t, got.body, strings.Repeat("abc", 1000))
	})
	limited(t, "MaxWindow", config{http2: tako.HTTP2Config{Window: 1000, MaxWindow: 3000}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		c.head(1, false, "POST", "/")
		left, sent := 1000, 0
		most := 0
		for sent < 30000 {
			most = max(most, left)
			before := c.window[1]
			c.data(1, false, strings.Repeat("x", left))
			sent += left
			left = 0
			c.until("window", func() bool { return c.window[1] > before })
			left += c.window[1] - before
		}
		assert.Equal(t, most <= 3000 && most > 1000, true, fmt.Sprint("window grew to ", most))
		c.data(1, true, "")
		assert.Equal(t, len(c.answered(200, 1).body), sent)
	})
	limited(t, "HeaderTable", config{http2: tako.HTTP2Config{HeaderTable: 100}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		assert.Equal(t, c.settings[http2.SettingHeaderTableSize], uint32(100))
		c.enc.SetMaxDynamicTableSize(100)
		for id := uint32(1); id < 20; id += 2 {
			c.head(id, true, "GET", "/", "x-a", fmt.Sprint(id))
			c.answered(200, id)
		}
		c.enc.SetMaxDynamicTableSizeLimit(4096)
		c.enc.SetMaxDynamicTableSize(4096)
		c.get(21, "/")
		assert.Equal(t, c.ended(), int(http2.ErrCodeCompression))
	})
	limited(t, "Resets", config{http2: tako.HTTP2Config{Resets: 5}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		for id := uint32(1); id < 400; id += 2 {
			if c.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.block("GET", "/wait"), EndHeaders: true, EndStream: true}) != nil ||
				c.fr.WriteRSTStream(id, http2.ErrCodeCancel) != nil {
				break
			}
		}
		assert.Equal(t, c.ended(), int(http2.ErrCodeEnhanceYourCalm))
		assert.Equal(t, get(t, s.client(t), s.url("/release"), 200), "")
	})
	limited(t, "Controls", config{http2: tako.HTTP2Config{Controls: 5}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		for range 400 {
			if c.fr.WritePing(false, [8]byte{}) != nil {
				break
			}
		}
		assert.Equal(t, c.ended(), int(http2.ErrCodeEnhanceYourCalm))
	})
	limited(t, "SendBuffer", config{http2: tako.HTTP2Config{SendBuffer: 1}}, func(t *testing.T, s *server) {
		assert.Equal(t, len(get(t, s.client(t), s.url("/large"), 200)), 300<<10)
	})
}

// Times, too.
func TestSettingsOfTime(t *testing.T) {
	leavesNothing(t)
	limited(t, "SettingsTimeout, no SETTINGS", config{http2: tako.HTTP2Config{SettingsTimeout: soon}}, func(t *testing.T, s *server) {
		c := s.unopened(t)
		c.mute = true
		_, err := io.WriteString(c, http2.ClientPreface)
		assert.NoError(t, err)
		assert.Equal(t, c.ended(), int(http2.ErrCodeSettingsTimeout))
		assert.Eventually(t, patience, "it is counted", func() bool { return s.counts().timedOut == 1 })
	})
	// From here on clients have to do something in time; the limits leave room for a machine that stalls.
	limited(t, "SettingsTimeout, no acknowledgement", config{http2: tako.HTTP2Config{SettingsTimeout: 5 * soon}}, func(t *testing.T, s *server) {
		c := s.framed(t)
		c.mute = true
		c.get(1, "/")
		c.answered(200, 1)
		assert.Equal(t, c.ended(), int(http2.ErrCodeSettingsTimeout))
	})
	limited(t, "Ping", config{http2: tako.HTTP2Config{PingInterval: soon, PingTimeout: 4 * soon}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		c.get(1, "/wait")
		_ = c.SetReadDeadline(time.Now().Add(7 * soon))
		for c.end == nil { // answers PING
			c.step()
		}
		assert.ErrorIs(t, c.end, os.ErrDeadlineExceeded, "while PING is answered")
		c.end, c.mute = nil, true
		_ = c.SetReadDeadline(time.Now().Add(patience))
		began := time.Now()
		c.ended()
		if since := time.Since(began); since < 2*soon || since > 30*soon {
			t.Errorf("ended after %v", since)
		}
		assert.Equal(t, get(t, s.client(t), s.url("/release"), 200), "")
	})
	limited(t, "IdleTimeout", config{limits: tako.Limits{IdleTimeout: 4 * soon}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		c.get(1, "/wait")
		_ = c.SetReadDeadline(time.Now().Add(6 * soon))
		for c.end == nil {
			c.step()
		}
		assert.ErrorIs(t, c.end, os.ErrDeadlineExceeded, "while a request is under way")
		c.end = nil
		_ = c.SetReadDeadline(time.Now().Add(patience))
		assert.Equal(t, get(t, s.client(t), s.url("/release"), 200), "")
		c.answered(200, 1)
		assert.Equal(t, c.ended(), int(http2.ErrCodeNo))
	})
	limited(t, "IdleTimeout, PINGs do not count", config{limits: tako.Limits{IdleTimeout: 4 * soon}}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		began := time.Now()
		for c.end == nil && time.Since(began) < patience/2 {
			_ = c.fr.WritePing(false, [8]byte{})
			c.step()
			pass(t, soon/20)
		}
		assert.Equal(t, c.ended(), int(http2.ErrCodeNo), c.end)
	})
}

// What is too large is refused by its status, and the connection goes on.
func TestRequestLimits(t *testing.T) {
	leavesNothing(t)
	limits := tako.Limits{HeaderBytes: 2000, HeaderFields: 20, TargetBytes: 300}
	limited(t, "status", config{limits: limits}, func(t *testing.T, s *server) {
		c := s.framed(t).settled()
		assert.Equal(t, c.settings[http2.SettingMaxHeaderListSize], uint32(2000))
		var many []string
		for i := range 30 {
			many = append(many, fmt.Sprint("x-", i), "v")
		}
		c.head(1, true, "GET", "/", "x-large", strings.Repeat("x", 3000))
		c.head(3, true, "GET", "/", many...)
		c.get(5, "/"+strings.Repeat("x", 400))
		c.get(7, "/")
		c.answered(431, 1, 3)
		c.answered(414, 5)
		c.answered(200, 7)
		assert.Eventually(t, patience, "all refused are counted", func() bool { return s.counts().refusedRequests == 3 })
	})
}

// HTTP/2 can be turned off, as a whole or without TLS.
func TestOff(t *testing.T) {
	leavesNothing(t)
	for name, cfg := range map[string]tako.HTTP2Config{"Off": {Off: true}, "NoCleartext": {NoCleartext: true}} {
		t.Run(name, func(t *testing.T) {
			over(t, allTargets, func(t *testing.T, k target) {
				s := k.serve(t, reading(), config{http2: cfg})
				assert.Equal(t, get(t, s.client1(t), s.url("/"), 200), "hello")
				if k.tls {
					c := s.dial(t, "h2", "http/1.1")
					got := stateOf(c).NegotiatedProtocol
					if want := map[string]string{"Off": "http/1.1", "NoCleartext": "h2"}[name]; got != want {
						t.Errorf("agreed on %q, want %q", got, want)
					}
					return
				}
				c := s.dial(t)
				_, err := io.WriteString(c, http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
				assert.NoError(t, err)
				if got := toEnd(t, c); strings.Contains(got, "200 OK") || strings.HasPrefix(got, "\x00\x00") {
					t.Errorf("got %q", got)
				}
				_, err = s.client(t).Do(request(t, "GET", s.url("/"), nil))
				if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}
