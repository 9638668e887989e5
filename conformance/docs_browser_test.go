package conformance_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tako-go/tako/internal/assert"
)

// browser is one page of a Chromium, driven through the pipes of its DevTools protocol.
type browser struct {
	in      io.WriteCloser
	session string

	mu       sync.Mutex
	last     int
	answers  map[int]chan devtools
	errors   []string // what the console says that is an error or a warning
	requests []string // where the page has sent requests
	closed   bool
}

// devtools is a message of the protocol.
type devtools struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	Params    json.RawMessage `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage `json:"error,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
}

// openBrowser starts Chromium until the test ends, with an empty page. It knows no
// host but 127.0.0.1.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	cmd := exec.Command(tool(t, "chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+filepath.Join(lastingDir(t), "profile"), "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--window-size=1200,2400", "--remote-debugging-pipe")
	commands, in, err := os.Pipe()
	assert.NoError(t, err)
	out, events, err := os.Pipe()
	assert.NoError(t, err)
	cmd.ExtraFiles = []*os.File{commands, events} // 3 and 4
	err = cmd.Start()
	_, _ = commands.Close(), events.Close()
	assert.NoError(t, err)
	b := &browser{in: in, answers: map[int]chan devtools{}}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b.listen(out)
	}()
	t.Cleanup(func() {
		_ = in.Close() // Chromium ends without its pipe
		kill := time.AfterFunc(stopLimit, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait()
		_ = out.Close() // processes that Chromium leaves for a while have it, too
		<-read
	})
	b.attach(t)
	return b
}

func (b *browser) attach(t *testing.T) {
	t.Helper()
	var target struct {
		TargetID string `json:"targetId"`
	}
	b.call(t, "Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct {
		SessionID string `json:"sessionId"`
	}
	b.call(t, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Runtime", "Log", "Network", "Page"} {
		b.call(t, domain+".enable", nil, nil)
	}
}

// listen takes messages, each with a zero byte behind it, until the pipe is closed.
func (b *browser) listen(out io.Reader) {
	for r := bufio.NewReader(out); ; {
		text, err := r.ReadBytes(0)
		b.mu.Lock()
		if err != nil {
			b.closed = true
			for _, answer := range b.answers {
				close(answer)
			}
			b.mu.Unlock()
			return
		}
		var m devtools
		if json.Unmarshal(text[:len(text)-1], &m) == nil {
			b.take(m)
		}
		b.mu.Unlock()
	}
}

// take is called with the lock held.
func (b *browser) take(m devtools) {
	if answer, ok := b.answers[m.ID]; ok && m.ID != 0 {
		delete(b.answers, m.ID)
		answer <- m
		return
	}
	var p struct {
		Type    string // of Runtime.consoleAPICalled
		Entry   struct{ Level string }
		Request struct{ URL string }
	}
	_ = json.Unmarshal(m.Params, &p)
	switch m.Method {
	case "Network.requestWillBeSent":
		b.requests = append(b.requests, p.Request.URL)
	case "Runtime.exceptionThrown":
		b.errors = append(b.errors, string(m.Params))
	case "Runtime.consoleAPICalled":
		if p.Type == "error" || p.Type == "warning" || p.Type == "assert" {
			b.errors = append(b.errors, string(m.Params))
		}
	case "Log.entryAdded":
		if p.Entry.Level == "error" || p.Entry.Level == "warning" {
			b.errors = append(b.errors, string(m.Params))
		}
	}
}

// call sends a command and decodes its result.
func (b *browser) call(t *testing.T, method string, params any, result any) {
	t.Helper()
	text, err := json.Marshal(params)
	assert.NoError(t, err)
	answer := make(chan devtools, 1)
	b.mu.Lock()
	b.last++
	id, closed := b.last, b.closed
	b.answers[id] = answer
	b.mu.Unlock()
	if closed {
		t.Fatal("Chromium has ended")
	}
	command := devtools{ID: id, Method: method, SessionID: b.session}
	if params != nil {
		command.Params = text
	}
	text, err = json.Marshal(command)
	assert.NoError(t, err)
	_, err = b.in.Write(append(text, 0))
	assert.NoError(t, err)
	select {
	case m, ok := <-answer:
		if !ok || m.Error != nil {
			t.Fatalf("%s: %s", method, m.Error)
		}
		if result != nil {
			assert.NoError(t, json.Unmarshal(m.Result, result))
		}
	case <-time.After(peerLimit):
		t.Fatalf("%s: no answer", method)
	}
}

// open loads a page, and forgets what was said and sent before.
func (b *browser) open(t *testing.T, url string) {
	t.Helper()
	b.call(t, "Page.navigate", map[string]any{"url": "about:blank"}, nil)
	b.await(t, `location.href === "about:blank"`)
	b.mu.Lock()
	b.errors, b.requests = nil, nil
	b.mu.Unlock()
	b.call(t, "Page.navigate", map[string]any{"url": url}, nil)
}

// eval returns the value of an expression of JavaScript as text.
func (b *browser) eval(t *testing.T, expression string) string {
	t.Helper()
	var got struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.call(t, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &got)
	if got.ExceptionDetails != nil {
		t.Fatalf("%s: %s", expression, got.ExceptionDetails)
	}
	return fmt.Sprint(got.Result.Value)
}

// await waits until an expression is true.
func (b *browser) await(t *testing.T, expression string) {
	t.Helper()
	assert.Eventually(t, peerLimit, expression, func() bool { return b.eval(t, "Boolean("+expression+")") == "true" })
}

// complaints are what the console has said.
func (b *browser) complaints() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.errors, "\n")
}

// sent lists where requests went.
func (b *browser) sent() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.requests...)
}
