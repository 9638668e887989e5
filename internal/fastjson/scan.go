package fastjson

import (
	"encoding/binary"
	"unsafe"
)

// Eight bytes at a time, the first byte lowest.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

func load8(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

func load(p unsafe.Pointer) uint64 { return binary.LittleEndian.Uint64((*[8]byte)(p)[:]) }

func load4(p unsafe.Pointer) uint32 { return binary.LittleEndian.Uint32((*[4]byte)(p)[:]) }

func store(p unsafe.Pointer, x uint64) { binary.LittleEndian.PutUint64((*[8]byte)(p)[:], x) }

// unusual has a high bit for each byte that is a quote, a backslash, a control
// character or not ASCII. Bits above the lowest may be wrong.
func unusual(x uint64) uint64 {
	return (x | (x - 0x20*ones) | ((x ^ '"'*ones) - ones) | ((x ^ '\\'*ones) - ones)) & highs
}

func isSpecial(c byte) bool { return c < ' ' || c == '"' || c == '\\' }
