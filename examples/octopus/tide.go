package main

import (
	"bytes"
	"encoding/binary"
	"math"
)

const sampleRate = 8000

// tide is the sound of slow waves, as a WAV file of one byte a sample.
func tide(seconds int) []byte {
	n := seconds * sampleRate
	var b bytes.Buffer
	for _, v := range []any{[]byte("RIFF"), uint32(36 + n), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1),
		uint32(sampleRate), uint32(sampleRate), uint16(1), uint16(8), []byte("data"), uint32(n)} {
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	noise, smooth := uint32(1), 0.0
	for i := range n {
		noise = noise*1664525 + 1013904223
		smooth += 0.15 * (float64(noise)/math.MaxUint32 - 0.5 - smooth)
		swell := math.Sin(math.Pi * float64(i) / (6 * sampleRate)) // a wave in six seconds
		b.WriteByte(byte(128 + 200*smooth*swell*swell))
	}
	return b.Bytes()
}
