package runtimetest

import (
	"bufio"
	"io"
	"time"

	"github.com/tako-go/tako"
)

func liveCases() []testCase {
	deafHandler := planted("not-told")
	return []testCase{
		{id: "SD-06/stream-told", run: streamTold, faults: []fault{deafHandler, late, replies("end-lost", "\r\n0\r\n\r\n", "\r\n")}},
		{id: "SD-06/upgraded-told", timed: true, run: upgradedTold, faults: []fault{deafHandler, late}},
		{id: "SD-06/upgraded-cut", timed: true, run: upgradedCut, faults: []fault{noEnd, silent, deaf}},
		{id: "SD-06/upgraded-works", timed: true, run: upgradedWorks, faults: []fault{mute, twice}},
		{id: "SD-06/no-drain-no-signal", run: notDraining, faults: []fault{bodies("told", "draining=false", "draining=true")}},
	}
}

// told returns the channel that a handler watches.
func told(x *T, c *tako.Context) <-chan struct{} {
	if x.planted("not-told") {
		return nil
	}
	return c.Draining()
}

// streamTold has a stream without end that ends when the drain begins.
func streamTold(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/events", func(c *tako.Context) error {
			tick := time.NewTicker(short / 20)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if _, err := c.WriteString("tick\n"); err != nil {
						return err
					}
					if err := c.Flush(); err != nil {
						return err
					}
				case <-told(x, c):
					_, err := c.WriteString("bye\n")
					return err
				case <-c.Context().Done():
					return c.Context().Err()
				}
			}
		})
	})
	c := s.dial()
	c.send(request("GET", "/events", ""))
	_ = c.SetReadDeadline(time.Now().Add(x.patience))
	head, err := readHead(c.br)
	if err != nil || head.status != 200 {
		x.Fatalf("got %+v and %v", head, err)
	}
	if _, err := c.br.Peek(len("5\r\ntick\n")); err != nil {
		x.Fatal(err)
	}
	stop := s.stop(x.drainLimit())
	if err := head.readBody(c.br, "GET"); err != nil || len(head.body) < 4 || head.body[len(head.body)-4:] != "bye\n" {
		x.Fatalf("the stream ended with %v behind %.50q", err, head.body)
	}
	c.closed()
	stop.clean(x.drainLimit() / 2)
}

// echoLines serves a connection that was taken over.
func echoLines(x *T, c *tako.Context) error {
	draining := told(x, c)
	conn, rw, err := c.Hijack()
	if err != nil {
		return err
	}
	over := make(chan struct{})
	go func() {
		defer conn.Close()
		select {
		case <-draining:
			_, _ = io.WriteString(conn, "bye\n")
		case <-over:
		case <-x.Context().Done():
		}
	}()
	go func() {
		defer close(over)
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n")
		_ = rw.Flush()
		lines := bufio.NewReader(rw)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if _, err = io.WriteString(conn, "echo "+line); err != nil {
				return
			}
		}
	}()
	return nil
}

// upgrade takes a connection over and sees that it is alive.
func upgrade(x *T, serve tako.Handler) (*server, *client) {
	limits := tako.Limits{HeaderTimeout: short, IdleTimeout: short, WriteTimeout: short}
	if x.secure() {
		limits.HeaderTimeout = time.Minute // a handshake takes longer when many run at once
	}
	s := x.serve(limits, func(app *tako.Router) { app.Get("/lines", serve) })
	c := s.dial()
	c.send(request("GET", "/lines", "", "Connection: Upgrade", "Upgrade: lines"), "early\n")
	if r := c.read("GET"); r.status != 101 || r.get("Upgrade") != "lines" {
		x.Fatalf("got %+v, want 101", r)
	}
	c.line("echo early\n")
	return s, c
}

func (c *client) line(want string) {
	c.x.Helper()
	_ = c.SetReadDeadline(time.Now().Add(c.x.patience))
	if got, err := c.br.ReadString('\n'); got != want {
		c.x.Fatalf("got line %q and %v, want %q", got, err, want)
	}
}

func upgradedTold(x *T) {
	s, c := upgrade(x, func(c *tako.Context) error { return echoLines(x, c) })
	stop := s.stop(x.drainLimit())
	c.line("bye\n")
	c.closed()
	stop.clean(x.drainLimit() / 2)
}

// upgradedCut has a handler that watches nothing: its connection is cut.
func upgradedCut(x *T) {
	s, c := upgrade(x, func(c *tako.Context) error {
		conn, rw, err := c.Hijack()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\necho early\n")
			_ = rw.Flush()
			_, _ = io.Copy(io.Discard, rw)
		}()
		return nil
	})
	stop := s.stop(2 * short)
	c.closed()
	waitFor(x, "the shutdown", stop.done)
	if stop.rep.Cut != 1 || stop.err == nil {
		x.Errorf("the report says %v, %v, want 1 cut and an error", stop.rep, stop.err)
	}
	if stop.took > 2*short+time.Second {
		x.Errorf("the shutdown took %v", stop.took)
	}
}

// upgradedWorks outlives the limits of HTTP.
func upgradedWorks(x *T) {
	_, c := upgrade(x, func(c *tako.Context) error { return echoLines(x, c) })
	c.quiet(3 * short)
	c.send("late\n")
	c.line("echo late\n")
	_ = c.Close()
}

func notDraining(x *T) {
	s := x.serve(tako.Limits{}, func(app *tako.Router) {
		app.Get("/state", func(c *tako.Context) error {
			select {
			case <-c.Draining():
				return c.Text(200, "draining=true\n")
			default:
				return c.Text(200, "draining=false\n")
			}
		})
		app.Get("/ready", tako.Ready())
	})
	if got := s.get("/state", 200).line("draining"); got != "false" {
		x.Errorf("draining is %q before the drain", got)
	}
	s.get("/ready", 200)
}
