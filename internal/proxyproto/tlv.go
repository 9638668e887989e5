package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
)

// Types of fields, and in the field TLS those of its own.
const (
	typeALPN      = 0x01
	typeAuthority = 0x02
	typeCRC32C    = 0x03
	typeNoop      = 0x04
	typeUniqueID  = 0x05
	typeTLS       = 0x20
	typeNetNS     = 0x30
	typeGCP       = 0xe0
	typeAWS       = 0xea
	typeAzure     = 0xee

	subVersion    = 0x21
	subCommonName = 0x22
	subCipher     = 0x23
	subSigAlg     = 0x24
	subKeyAlg     = 0x25
	subGroup      = 0x26
	subCert       = 0x28

	maxUniqueID = 128
	tlsFixed    = 1 + 4 // what the client did, and whether its certificate is good
)

// cutTLV returns the first field of b and what follows it; ok is false if it is cut off.
func cutTLV(b []byte) (typ byte, value, rest []byte, ok bool) {
	if len(b) < 3 {
		return 0, nil, nil, false
	}
	end := 3 + int(binary.BigEndian.Uint16(b[1:]))
	if end > len(b) {
		return 0, nil, nil, false
	}
	return b[0], b[3:end:end], b[end:], true
}

var errChecksum = malformed("wrong checksum")

// check goes over the fields of a whole header b, which begin at from.
func check(b []byte, from int) error {
	sum := 0
	for rest := b[from:]; len(rest) > 0; {
		at := len(b) - len(rest)
		typ, value, behind, ok := cutTLV(rest)
		if !ok {
			return malformed("a field is cut off")
		}
		switch typ {
		case typeCRC32C:
			if len(value) != 4 || sum > 0 {
				return malformed("invalid checksum field")
			}
			sum = at + 3
		case typeUniqueID:
			if len(value) > maxUniqueID {
				return malformed("unique id too long")
			}
		case typeTLS:
			if err := checkTLS(value); err != nil {
				return err
			}
		}
		rest = behind
	}
	if sum > 0 && binary.BigEndian.Uint32(b[sum:]) != checksum(b, sum) {
		return errChecksum
	}
	return nil
}

func checkTLS(b []byte) error {
	if len(b) < tlsFixed {
		return malformed("TLS field too short")
	}
	for b = b[tlsFixed:]; len(b) > 0; {
		_, _, rest, ok := cutTLV(b)
		if !ok {
			return malformed("a field of TLS is cut off")
		}
		b = rest
	}
	return nil
}

// checksum is that of b with zeros in place of the four bytes at the index at.
func checksum(b []byte, at int) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, b[:at])
	for range 4 {
		sum = crc32.Update(sum, table, b[4:5]) // the zero in the signature
	}
	return crc32.Update(sum, table, b[at+4:])
}
