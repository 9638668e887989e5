package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"

	"github.com/tako-go/tako/examples/octopus/reef"
)

const (
	maxLine  = 256 // bytes of a question
	lastRead = 20  // messages that read shows
)

const linesHelp = `ping         is anybody there?
reefs        all reefs
read REEF    the last messages in a reef
live REEF    what happens in a reef, until stop
stop, quit
`

// ask answers a question that was asked without HTTP: some lines, the last of which is "ok"
// or begins with "no:".
func (s *service) ask(question string) []byte {
	var b bytes.Buffer
	word, name, _ := strings.Cut(strings.TrimSpace(question), " ")
	switch strings.ToLower(word) {
	case "ping":
		b.WriteString("pong\n")
	case "help":
		b.WriteString(linesHelp)
	case "reefs":
		for _, r := range s.reefs.List() {
			fmt.Fprintf(&b, "%-12s %3d  %s\n", r.Name, r.Messages, plain(r.Topic))
		}
	case "read":
		page, _, err := s.reefs.Before(name, 0, lastRead)
		if err != nil {
			return refuse(err)
		}
		for _, m := range page {
			fmt.Fprintf(&b, "%d %s: %s\n", m.ID, m.Author, plain(m.Text))
		}
	default:
		return refuse(fmt.Errorf("%q is no question, ask for help", plain(word)))
	}
	b.WriteString("ok\n")
	return b.Bytes()
}

func refuse(err error) []byte { return fmt.Appendf(nil, "no: %v\n", err) }

// plain keeps what users write from breaking lines and from controlling terminals.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// session is a client that asks by lines. It knows nothing of connections: write answers, and
// send, which another goroutine calls, tells what happens in a reef.
type session struct {
	service *service
	write   func([]byte) error
	send    func([]byte) error
	half    []byte // a line of which the end has not come
	stop    func() // ends what live began, nil without
}

// feed takes what the client sent. It returns false when the connection has to end.
func (n *session) feed(p []byte) (goOn bool) {
	for {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		if len(n.half)+len(line) > maxLine {
			_ = n.write(refuse(fmt.Errorf("a line has at most %d bytes", maxLine)))
			return false
		}
		n.half = append(n.half, line...)
		if !whole {
			return true
		}
		question := strings.TrimSpace(string(n.half))
		n.half, p = n.half[:0], rest
		if question == "quit" || n.write(n.answer(question)) != nil {
			return false
		}
	}
}

// end is called when the client sends nothing more: its last line may lack an end.
func (n *session) end() {
	if len(n.half) > 0 {
		n.feed([]byte("\n"))
	}
}

func (n *session) answer(question string) []byte {
	name, live := strings.CutPrefix(question, "live ")
	switch {
	case question == "":
		return nil
	case live:
		return n.watch(name)
	case question == "stop":
		n.close()
		return []byte("ok\n")
	}
	return n.service.ask(question)
}

// watch begins to tell what happens in a reef, in place of another one.
func (n *session) watch(name string) []byte {
	_, events, forget, err := n.service.reefs.Watch(name, math.MaxInt64)
	if err != nil {
		return refuse(err)
	}
	n.close()
	over := make(chan struct{})
	n.stop = func() {
		close(over)
		forget()
	}
	go follow(events, over, n.send)
	return []byte("ok\n")
}

// close ends what live began.
func (n *session) close() {
	if n.stop != nil {
		n.stop()
		n.stop = nil
	}
}

// follow sends events until it is over or the client is too slow, and now and then a sign of
// life.
func follow(events <-chan reef.Event, over <-chan struct{}, send func([]byte) error) {
	tide := time.NewTicker(heartbeat)
	defer tide.Stop()
	for {
		line := []byte("tide\n")
		select {
		case e, ok := <-events:
			if !ok {
				_ = send([]byte("no: too slow\n"))
				return
			}
			line = fmt.Appendf(nil, "%s %d %s: %s\n", e.Type, e.Message.ID, e.Message.Author, plain(e.Message.Text))
		case <-tide.C:
		case <-over:
			return
		}
		if send(line) != nil {
			return
		}
	}
}
