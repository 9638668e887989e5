package live

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Publisher posts notes over a connection of its own.
type Publisher struct {
	conn net.Conn
	in   *bufio.Reader
}

// NewPublisher connects.
func NewPublisher(ctx context.Context, addr string) (*Publisher, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Publisher{conn, bufio.NewReader(conn)}, nil
}

// Post sends a note to /publish and waits for the answer.
func (p *Publisher) Post(note []byte) error {
	if err := p.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	request := fmt.Appendf(nil, "POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", len(note), note)
	if _, err := p.conn.Write(request); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	resp, err := http.ReadResponse(p.in, nil)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("publish: status %d, %w", resp.StatusCode, err)
	}
	return nil
}

// Close ends the connection.
func (p *Publisher) Close() error { return p.conn.Close() }

// Say sends a note over the first WebSocket of a crowd.
func (c *Crowd) Say(note []byte) error {
	frame := AppendFrame(nil, note)
	if n, err := blocking(c.peers[0].fd).Write(frame); err != nil {
		return fmt.Errorf("say: sent %d of %d bytes: %w", n, len(frame), err)
	}
	return nil
}
