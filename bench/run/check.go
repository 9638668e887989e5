package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/tako-go/tako/bench/internal/wire"
)

// check makes sure that the server does the work that is measured.
func (l loader) check(ctx context.Context, addr string, s scenario) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	switch s.generator() {
	case "echo":
		return checkEcho(ctx, "tcp", addr)
	case "datagrams":
		return checkEcho(ctx, "udp", addr)
	case "live":
		return checkLive(ctx, addr, s)
	case "connections":
		return checkConnection(ctx, addr, l.variant)
	}
	return checkScenario(ctx, addr, l.pair, s)
}

// checkScenario is check for requests that a common client can send.
func checkScenario(ctx context.Context, addr string, pair wire.Pair, s scenario) error {
	transport, end := onceEach(s.protocol, pair)
	defer end()
	client := &http.Client{Transport: transport}
	for _, p := range append([]probe{s.loaded}, s.checked...) {
		resp, err := p.check(ctx, client, s.protocol.Scheme()+"://"+addr)
		if err == nil {
			err = s.protocol.Check(resp)
		}
		if err == nil && s.newConn && !resp.Close {
			err = errors.New("the answer to Connection: close does not say close")
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", p.verb(), p.target, err)
		}
	}
	if s.pipelined > 1 {
		return checkPipeline(ctx, addr, s)
	}
	return nil
}

// onceEach is a client that keeps no connection beyond end.
func onceEach(p wire.Protocol, pair wire.Pair) (rt http.RoundTripper, end func()) {
	if p == wire.H3 {
		t := wire.Transport3(pair)
		return t, func() { _ = t.Close() }
	}
	t := p.Transport(pair)
	t.DisableKeepAlives = true
	return t, t.CloseIdleConnections
}

// checkPipeline sends all requests in one write and wants as many answers.
func checkPipeline(ctx context.Context, addr string, s scenario) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	one := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n\r\n", s.loaded.verb(), s.loaded.target, addr)
	if _, err := io.WriteString(conn, strings.Repeat(one, s.pipelined)); err != nil {
		return err
	}
	answers := bufio.NewReader(conn)
	for i := range s.pipelined {
		resp, err := http.ReadResponse(answers, nil)
		if err == nil {
			err = s.loaded.checkAnswer(resp)
		}
		if err != nil {
			return fmt.Errorf("answer %d of %d in a pipeline: %w", i+1, s.pipelined, err)
		}
	}
	return nil
}

func (p probe) verb() string {
	if p.method == "" {
		return http.MethodGet
	}
	return p.method
}

func (p probe) check(ctx context.Context, client *http.Client, base string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, p.verb(), base+p.target, strings.NewReader(p.body))
	if err != nil {
		return nil, err
	}
	if p.body != "" {
		req.Header.Set("Content-Type", p.contentType())
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return resp, p.checkAnswer(resp)
}

func (p probe) checkAnswer(resp *http.Response) error {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != p.status {
		return fmt.Errorf("got status %d, want %d: %.200s", resp.StatusCode, p.status, body)
	}
	return p.checkBody(body)
}

func (p probe) contentType() string {
	if strings.HasPrefix(p.body, "{") {
		return "application/json"
	}
	return "application/octet-stream"
}

func (p probe) checkBody(body []byte) error {
	switch {
	case p.text != "" && string(body) != p.text:
		return fmt.Errorf("got body %.200q, want %q", body, p.text)
	case p.bytes > 0 && len(body) != p.bytes:
		return fmt.Errorf("got %d bytes, want %d", len(body), p.bytes)
	case p.json != "" && !sameJSON(body, []byte(p.json)):
		return fmt.Errorf("got body %.200q, want %s", bytes.TrimSpace(body), p.json)
	}
	return nil
}

func sameJSON(got, want []byte) bool {
	var g, w any
	if json.Unmarshal(got, &g) != nil || json.Unmarshal(want, &w) != nil {
		return false
	}
	return reflect.DeepEqual(g, w)
}
