package runtimetest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"slices"
)

// proxyLine is a header of version 1.
func proxyLine(from, to *net.TCPAddr) []byte {
	family := "TCP4"
	if from.IP.To4() == nil {
		family = "TCP6"
	}
	return fmt.Appendf(nil, "PROXY %s %s %s %d %d\r\n", family, from.IP, to.IP, from.Port, to.Port)
}

// proxyBlock is a header of version 2.
type proxyBlock struct {
	command  byte // 0x21, PROXY, if zero
	family   byte // as the addresses say if zero
	from, to *net.TCPAddr
	tlvs     []tlv
	checked  bool // with a CRC32C
	damage   byte // is added to the checksum
}

// tlv is a TLV.
type tlv struct {
	kind  byte
	value []byte
}

// The TLVs that cases send.
const (
	tlvALPN      = 0x01
	tlvAuthority = 0x02
	tlvCRC32C    = 0x03
	tlvNoop      = 0x04
	tlvUniqueID  = 0x05
	tlvSSL       = 0x20
	tlvAWS       = 0xEA
)

const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

func (b proxyBlock) bytes() []byte {
	command, family := b.command, b.family
	if command == 0 {
		command = 0x21
	}
	var body []byte
	if b.from != nil {
		from, to := b.from.IP.To4(), b.to.IP.To4()
		own := byte(0x11)
		if from == nil || to == nil {
			from, to, own = b.from.IP.To16(), b.to.IP.To16(), 0x21
		}
		if family == 0 {
			family = own
		}
		body = slices.Concat(from, to)
		body = binary.BigEndian.AppendUint16(body, uint16(b.from.Port))
		body = binary.BigEndian.AppendUint16(body, uint16(b.to.Port))
	}
	if b.checked {
		body = append(body, tlvCRC32C, 0, 4, 0, 0, 0, 0)
	}
	sum := len(proxySignature) + 4 + len(body) - 4
	for _, t := range b.tlvs {
		body = append(body, tlvBytes(t.kind, t.value)...)
	}
	all := append([]byte(proxySignature), command, family)
	all = binary.BigEndian.AppendUint16(all, uint16(len(body)))
	all = append(all, body...)
	if b.checked {
		crc := crc32.Checksum(all, crc32.MakeTable(crc32.Castagnoli))
		binary.BigEndian.PutUint32(all[sum:], crc+uint32(b.damage))
	}
	return all
}

// tlvBytes is a TLV as it is sent.
func tlvBytes(kind byte, value []byte) []byte {
	out := append([]byte{kind}, byte(len(value)>>8), byte(len(value)))
	return append(out, value...)
}
