package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	// echoSize is the length of a message.
	echoSize = 128
	// echoPatience is how long an answer may take.
	echoPatience = 10 * time.Second
)

var errEcho = errors.New("echo: another answer than the message")

// runEcho sends a message on each connection and the next one with its answer.
func runEcho(ctx context.Context, addr string, conns int, length time.Duration) (loadResult, error) {
	clients, err := dialAll(ctx, "tcp", addr, conns)
	if err != nil {
		return loadResult{}, err
	}
	defer closeAll(clients)
	return together(ctx, conns, length, func(ctx context.Context, id int, until time.Time) (*tally, error) {
		return repeatEcho(ctx, clients[id], byte(id), until)
	})
}

func dialAll(ctx context.Context, network, addr string, n int) ([]net.Conn, error) {
	var all []net.Conn
	for range n {
		nc, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, nc)
	}
	return all, nil
}

func closeAll(all []net.Conn) {
	for _, nc := range all {
		_ = nc.Close()
	}
}

func repeatEcho(ctx context.Context, nc net.Conn, mark byte, until time.Time) (*tally, error) {
	if err := nc.SetDeadline(until.Add(echoPatience)); err != nil {
		return nil, err
	}
	message, answer := bytes.Repeat([]byte{mark}, echoSize), make([]byte, echoSize)
	return again(ctx, until, func() error { return echoOnce(nc, message, answer) })
}

// echoOnce wants the message back, for which there is room in answer.
func echoOnce(nc net.Conn, message, answer []byte) error {
	if _, err := nc.Write(message); err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	if _, err := io.ReadFull(nc, answer); err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	if !bytes.Equal(answer, message) {
		return errEcho
	}
	return nil
}

// checkEcho wants more back than fits one read over TCP, and one datagram over UDP.
func checkEcho(ctx context.Context, network, addr string) error {
	nc, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(echoPatience)); err != nil {
		return err
	}
	message := bytes.Repeat([]byte("octopus "), 1<<10)
	if network == "udp" {
		message = message[:echoSize]
	}
	return echoOnce(nc, message, make([]byte, len(message)))
}
