package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/tako-go/tako"
	"github.com/tako-go/tako/examples/octopus/reef"
	"github.com/tako-go/tako/stream/webtransport"
)

// patienceWithClient is how long a client may take nothing of what is sent.
const patienceWithClient = 10 * time.Second

// talk is a session of WebTransport in a reef: one stream with lines of JSON both ways, and
// datagrams, which come back so that a page can tell how far away the service is.
type talk struct {
	service *service
	request *tako.Context
	reef    string
	stream  *webtransport.Stream

	mu  sync.Mutex
	out *json.Encoder // to stream
}

func (s *service) openSession(c *tako.Context) error {
	name := c.Param("reef")
	if _, err := s.reefs.Get(name); err != nil {
		return err
	}
	// Pages of other sites are refused: that is the default.
	return webtransport.Handler(webtransport.Config{}, func(ctx context.Context, session *webtransport.Session) error {
		stream, err := session.AcceptStream(ctx)
		if err != nil {
			return err
		}
		defer stream.Close()
		t := &talk{service: s, request: c, reef: name, stream: stream, out: json.NewEncoder(stream)}
		go echo(ctx, session)
		return t.serve(ctx, session)
	})(c)
}

func echo(ctx context.Context, session *webtransport.Session) {
	for {
		p, err := session.ReceiveDatagram(ctx)
		if err != nil {
			return
		}
		_ = session.SendDatagram(p) // one that is lost is no harm
	}
}

// serve tells what happens until the client leaves, is too slow, or the service drains.
func (t *talk) serve(ctx context.Context, session *webtransport.Session) error {
	_, events, stop, err := t.service.reefs.Watch(t.reef, math.MaxInt64)
	if err != nil {
		return err
	}
	defer stop()
	over, quiet := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(quiet)
		over <- t.listen()
	}()
	defer func() {
		t.stream.CancelRead(0)
		<-quiet
	}()
	return t.tell(session, events, over)
}

func (t *talk) tell(session *webtransport.Session, events <-chan reef.Event, over <-chan error) error {
	if err := t.send(told{Type: "joined"}); err != nil {
		return err
	}
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return &webtransport.SessionError{Code: 2, Reason: "too slow"}
			}
			if err := t.send(told{Type: e.Type, Message: &e.Message}); err != nil {
				return err
			}
		case <-session.Draining():
			return &webtransport.SessionError{Code: 1, Reason: "the service drains"}
		case err := <-over:
			return err
		case <-session.Context().Done():
			return nil
		}
	}
}

// listen answers each line of the client until it ends. A reason reaches the client in any case, what
// was written last may not.
func (t *talk) listen() error {
	lines := bufio.NewScanner(t.stream)
	lines.Buffer(nil, maxSaid)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue // it tells of the stream
		}
		if err := t.send(t.answer(lines.Bytes())); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &webtransport.SessionError{Code: 3, Reason: "the line is too long"}
	}
	return nil
}

func (t *talk) answer(line []byte) told {
	var in said
	if err := (tako.JSONCodec{}).Decode(line, &in); err != nil {
		return refusal(0, err)
	}
	if err := tako.CheckValue(t.request, &in, line); err != nil {
		return refusal(in.Ref, err)
	}
	return t.service.say(t.reef, in)
}

// send is called by both goroutines of a session.
func (t *talk) send(what told) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.stream.SetWriteDeadline(time.Now().Add(patienceWithClient)); err != nil {
		return err
	}
	return t.out.Encode(what)
}

func (s *service) addSession(live *tako.Router) {
	live.Get("/reefs/{reef}/session", s.openSession, tako.Timeout(0), tako.Hidden())
}
