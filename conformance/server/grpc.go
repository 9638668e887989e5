package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/tako-go/tako"
)

const (
	// frameHead is the length of what comes before a message: a compression flag
	// and the length of the message.
	frameHead  = 5
	maxMessage = 16 << 20

	statusOK       = "0"
	statusInvalid  = "3"
	statusInternal = "13"
)

// addGRPC adds the methods of a gRPC service, written out by hand: messages are
// any bytes, as what is tested is the protocol below.
func addGRPC(r *tako.Router, w *waits) {
	r.Post("/Unary", grpcMethod(unary))
	r.Post("/Bidi", grpcMethod(bidi))
	r.Post("/Wait", grpcMethod(func(c *tako.Context) error {
		_ = c.Flush()
		return w.hold(c)
	}))
	r.Post("/Fail", grpcMethod(func(*tako.Context) error { return errInvalid }))
}

var errInvalid = errors.New("invalid argument: ünfit")

// grpcMethod begins the response with the metadata of the request, and ends it with the
// status.
func grpcMethod(method tako.Handler) tako.Handler {
	return func(c *tako.Context) error {
		if err := c.EnableFullDuplex(); err != nil {
			return err
		}
		c.Header().Set("Content-Type", "application/grpc")
		if value := c.RequestHeader("X-Echo"); value != "" {
			c.Header().Set("X-Echo", value)
		}
		if value := c.RequestHeader("X-Echo-Bin"); value != "" {
			c.Trailer().Set("X-Echo-Bin", value)
		}
		if err := c.WriteHead(http.StatusOK); err != nil {
			return err
		}
		status, message := statusOK, ""
		if err := method(c); errors.Is(err, errInvalid) {
			status, message = statusInvalid, "invalid argument: %C3%BCnfit"
		} else if err != nil {
			status, message = statusInternal, "failed"
		}
		c.Trailer().Set("Grpc-Status", status)
		c.Trailer().Set("Grpc-Message", message)
		return nil
	}
}

func unary(c *tako.Context) error {
	message, err := readMessage(c.Body())
	if err != nil {
		return err
	}
	return writeMessage(c, message)
}

func bidi(c *tako.Context) error {
	if err := c.Flush(); err != nil {
		return err
	}
	for {
		message, err := readMessage(c.Body())
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := writeMessage(c, message); err != nil {
			return err
		}
		if err := c.Flush(); err != nil {
			return err
		}
	}
}

// readMessage returns io.EOF between two messages only.
func readMessage(r io.Reader) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if head[0] != 0 || n > maxMessage {
		return nil, fmt.Errorf("message of %d bytes with flag %d", n, head[0])
	}
	message := make([]byte, n)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return message, nil
}

func writeMessage(w io.Writer, message []byte) error {
	var head [frameHead]byte
	binary.BigEndian.PutUint32(head[1:], uint32(len(message)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(message)
	return err
}
