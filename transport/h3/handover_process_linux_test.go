package h3_test

import (
	"bytes"
	"io"
	"syscall"
	"testing"

	"github.com/tako-go/tako/internal/assert"
	"github.com/tako-go/tako/transport/h3"
)

// SD-09: no request fails while process after process takes over, by HTTP/3 nor over TCP.
func TestHandoverUnderLoad(t *testing.T) {
	t.Parallel()
	for name, prog := range map[string]program{"std": {Retry: h3.RetryAlways}, "loop": {Loop: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, prog)
			pids := []int{p.cmd.Process.Pid}
			before := p.look()
			assert.Equal(t, before.Pid, pids[0])
			l := p.traffic()
			for n := range 3 {
				pid := pids[n]
				l.reaches(t, pid)
				pids = append(pids, p.handsOver(pid, n+1))
			}
			l.reaches(t, pids[3])
			served, tcp := int64(-1), int64(0)
			for _, pid := range pids[:3] {
				last := p.ends(pid)
				t.Logf("process %d: %+v", pid, last)
				served, tcp = served+last.Served, tcp+last.TCP
			}
			answers, tcpAnswers, twice := l.ends(t, pids)
			assert.Eventually(t, patience, "as few descriptors as in the beginning", func() bool {
				served--
				return p.look().Files <= before.Files
			})
			last := p.stop(pids[3])
			if served += last.Served; served < answers || served > answers+twice {
				t.Errorf("%d requests served by HTTP/3, %d answered, %d may have been served twice", served, answers, twice)
			}
			if tcp += last.TCP; tcp < tcpAnswers { // an idle connection that closes has its client ask again
				t.Errorf("%d requests served over TCP, %d answered", tcp, tcpAnswers)
			}
			assert.Equal(t, len(p.log("hand-over failed, going on")), 0, "failures")
		})
	}
}

// held is an upload of which a part is still to come.
type held struct {
	rest   *io.PipeWriter
	sent   int
	answer chan error
	got    seen
}

// upload begins an upload, and returns when the process has seen it.
func (p *processes) upload(c *client) *held {
	p.t.Helper()
	h := &held{answer: make(chan error, 1)}
	body, rest := io.Pipe()
	h.rest = rest
	p.t.Cleanup(func() { _ = rest.Close() })
	began := len(p.log("upload"))
	req := c.request(p.t, "POST", "/upload", body)
	go func() {
		var err error
		h.got, err = fetch(c, req)
		h.answer <- err
	}()
	h.send(p.t)
	p.await(began+1, "upload")
	return h
}

func (h *held) send(t *testing.T) {
	t.Helper()
	n, err := h.rest.Write(bytes.Repeat([]byte("x"), 20_000))
	if err != nil {
		t.Fatalf("upload: %v after %d bytes", <-h.answer, h.sent)
	}
	h.sent += n
}

// ends sends the rest, and returns the answer.
func (h *held) ends(t *testing.T) seen {
	t.Helper()
	h.send(t)
	assert.NoError(t, h.rest.Close())
	assert.NoError(t, <-h.answer, "upload")
	assert.Equal(t, h.got.Bytes, h.sent, "bytes that came")
	return h.got
}

// A process that takes long to drain goes on though the next one is gone, well or not, and does
// not get in the way of those behind.
func TestHandoverOutlivesNext(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"ended": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t, program{})
			first := p.cmd.Process.Pid
			c := newClient(t, p)
			h := p.upload(c)
			second := p.handsOver(first, 1)
			later := p.upload(newClient(t, p))
			third := p.handsOver(second, 2)
			if killed {
				assert.NoError(t, syscall.Kill(second, syscall.SIGKILL))
				assert.Eventually(t, patience, "its end", func() bool { return syscall.Kill(second, 0) != nil })
			} else {
				assert.Equal(t, later.ends(t).Pid, second)
				p.ends(second)
			}
			last := newClient(t, p)
			for range 20 {
				h.send(t)
				s, err := fetch(last, last.request(t, "GET", "/", nil))
				assert.NoError(t, err)
				assert.Equal(t, s.Pid, third)
			}
			assert.Equal(t, h.ends(t).Pid, first)
			p.ends(first)
			p.stop(third)
		})
	}
}
