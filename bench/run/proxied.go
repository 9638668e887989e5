package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"strings"
	"time"
)

// variant is what a connection begins with, before its request.
type variant struct {
	name string
	// head makes a PROXY header of version 2; nil is none, and the server then knows of none.
	head func() []byte
}

var variants = []variant{
	{name: "without"},
	{"v2", func() []byte { return proxyHead() }},
	{"v2+TLVs", func() []byte { return checked(proxyHead(tlvs...)) }},
}

// serverOptions are those that the variant needs.
func (v variant) serverOptions() []string {
	if v.head == nil {
		return nil
	}
	return []string{"-proxy"}
}

// tlvs are what a balancer that ends TLS in a cloud tells, about 200 bytes. The last is
// room for the checksum.
var tlvs = []string{
	tlv(0x01, "http/1.1"),
	tlv(0x02, "octopus.sea.example.com"),
	tlv(0x05, strings.Repeat("u", 32)),
	tlv(0x20, "\x01\x00\x00\x00\x00"+tlv(0x21, "TLSv1.3")+tlv(0x22, "client.example.com")+
		tlv(0x23, "TLS_AES_128_GCM_SHA256")+tlv(0x24, "SHA256")+tlv(0x25, "EC256")),
	tlv(0xea, "\x01vpce-08d2bf15fac5001c9"),
	tlv(0x03, "\x00\x00\x00\x00"),
}

func tlv(typ byte, value string) string {
	return string(binary.BigEndian.AppendUint16([]byte{typ}, uint16(len(value)))) + value
}

// proxyHead tells of a client at 192.0.2.1 over TCP.
func proxyHead(tlvs ...string) []byte {
	body := "\xc0\x00\x02\x01\xc6\x33\x64\x02\xde\xad\x01\xbb" + strings.Join(tlvs, "")
	head := []byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11")
	return append(binary.BigEndian.AppendUint16(head, uint16(len(body))), body...)
}

// checked sets the checksum in the last four bytes.
func checked(head []byte) []byte {
	sum := crc32.Checksum(head, crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(head[len(head)-4:], sum)
	return head
}

// runConnections opens a connection for each request, which goes out in one write with the
// header.
func runConnections(ctx context.Context, addr string, v variant, conns int, length time.Duration) (loadResult, error) {
	request := connectionRequest(addr, v)
	return together(ctx, conns, length, func(ctx context.Context, _ int, until time.Time) (*tally, error) {
		return again(ctx, until, func() error { return askAlone(ctx, addr, request) })
	})
}

func checkConnection(ctx context.Context, addr string, v variant) error {
	if err := askAlone(ctx, addr, connectionRequest(addr, v)); err != nil || v.head == nil {
		return err
	}
	if askAlone(ctx, addr, connectionRequest(addr, variant{})) == nil {
		return fmt.Errorf("a connection without a header is served")
	}
	return nil
}

func connectionRequest(addr string, v variant) []byte {
	var head []byte
	if v.head != nil {
		head = v.head()
	}
	return append(head, "GET / HTTP/1.1\r\nHost: "+addr+"\r\nConnection: close\r\n\r\n"...)
}

func askAlone(ctx context.Context, addr string, request []byte) error {
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(handshakePatience)); err != nil {
		return err
	}
	if _, err := nc.Write(request); err != nil {
		return err
	}
	return readHello(nc)
}

// readHello wants one answer to GET /, and then the end.
func readHello(from io.Reader) error {
	answer, err := io.ReadAll(io.LimitReader(from, 4096))
	if !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) || !bytes.HasSuffix(answer, []byte(hello.text)) {
		return fmt.Errorf("got %.200q, %w", answer, err)
	}
	return nil
}
