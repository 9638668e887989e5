package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
)

// Open opens a WebSocket over a connection, on which the server says nothing by itself.
func Open(conn net.Conn, path string) error {
	if _, err := io.WriteString(conn, Request(path)); err != nil {
		return err
	}
	resp, rest, err := readHead(conn)
	if err == nil {
		err = CheckOpened(resp)
	}
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes behind the handshake", len(rest))
	}
	return err
}

// errCame ends the reading of a message.
var errCame = errors.New("the message came")

// Receive reads one message over a WebSocket that nothing comes behind.
func Receive(conn net.Conn) (message []byte, err error) {
	var in frames
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		came := in.feed(buf[:n], func(p []byte) error {
			message = bytes.Clone(p)
			return errCame
		})
		switch {
		case errors.Is(came, errCame):
			return message, nil
		case came != nil || err != nil:
			return nil, errors.Join(came, err)
		}
	}
}

// CheckEcho wants a message of a size back.
func CheckEcho(conn net.Conn, size int) error {
	message := bytes.Repeat([]byte("octopus "), size/8+1)[:size]
	if _, err := conn.Write(AppendFrame(nil, message)); err != nil {
		return err
	}
	got, err := Receive(conn)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, message) {
		return fmt.Errorf("%w: %d bytes of %d", errEcho, len(got), size)
	}
	return nil
}
