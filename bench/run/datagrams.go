package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/net/ipv4"
)

// lossPatience is after how long without an answer the rest of a window counts as lost.
const lossPatience = 200 * time.Millisecond

// datagrams sends windows of them on a socket of its own, each with its number.
type datagrams struct {
	socket   net.Conn
	batch    *ipv4.PacketConn
	out, in  []ipv4.Message
	number   uint64
	answered tally
}

func newDatagrams(socket net.Conn, window int) *datagrams {
	d := &datagrams{socket: socket, batch: ipv4.NewPacketConn(socket.(*net.UDPConn))}
	for range window {
		d.out = append(d.out, ipv4.Message{Buffers: [][]byte{make([]byte, echoSize)}})
		d.in = append(d.in, ipv4.Message{Buffers: [][]byte{make([]byte, 2*echoSize)}})
	}
	return d
}

// runDatagrams sends a window on each socket, and the next one when all of it came back or
// is lost.
func runDatagrams(ctx context.Context, addr string, sockets, window int, length time.Duration) (loadResult, error) {
	clients, err := dialAll(ctx, "udp", addr, sockets)
	if err != nil {
		return loadResult{}, err
	}
	defer closeAll(clients)
	return together(ctx, sockets, length, func(ctx context.Context, id int, until time.Time) (*tally, error) {
		d := newDatagrams(clients[id], window)
		for ctx.Err() == nil && time.Now().Before(until) {
			if err := d.window(); err != nil {
				return nil, fmt.Errorf("datagrams: %w", err)
			}
		}
		return &d.answered, nil
	})
}

func (d *datagrams) window() error {
	first, start := d.number, time.Now()
	for i := range d.out {
		binary.BigEndian.PutUint64(d.out[i].Buffers[0], d.number)
		d.number++
	}
	for sent := 0; sent < len(d.out); {
		n, err := d.batch.WriteBatch(d.out[sent:], 0)
		if err != nil {
			return err
		}
		sent += n
	}
	if err := d.socket.SetReadDeadline(start.Add(lossPatience)); err != nil {
		return err
	}
	for missing := len(d.out); missing > 0; {
		n, err := d.batch.ReadBatch(d.in[:missing], 0)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			d.answered.lost += int64(missing)
			return nil
		}
		if err != nil {
			return err
		}
		took := time.Since(start)
		for _, m := range d.in[:n] {
			ours, err := d.belongs(m, first)
			if err != nil {
				return err
			}
			if ours {
				d.answered.Add(took)
				missing--
			}
		}
	}
	return nil
}

// belongs says whether an answer is one to the window that begins with first. One to an
// earlier window came too late and was counted as lost.
func (d *datagrams) belongs(m ipv4.Message, first uint64) (bool, error) {
	if m.N != echoSize {
		return false, fmt.Errorf("got %d bytes, want %d", m.N, echoSize)
	}
	number := binary.BigEndian.Uint64(m.Buffers[0])
	if number >= d.number {
		return false, errEcho
	}
	return number >= first, nil
}
