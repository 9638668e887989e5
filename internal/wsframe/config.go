package wsframe

import "math"

// Config is what connections of one kind share. It is not changed while one uses it.
type Config struct {
	// Client is the role of this end: a client masks what it sends and a server does not, and
	// each refuses what the other may not send.
	Client bool
	// MaxFrame bounds the payload of a received data frame, in bytes as they are on the wire.
	// 0 and less: MaxMessage alone bounds it.
	MaxFrame int64
	// MaxMessage bounds a received message, in bytes, decompressed.
	// Default: [DefaultMaxMessage]. Less than 0 means none.
	MaxMessage int64
	// Threshold is from how many bytes on a message is compressed, where that was agreed.
	// Default: [DefaultThreshold]. Less than 0 means all.
	Threshold int
	// Level is how hard a message is compressed that does without context takeover, from 1
	// (fast) to 9. Default: 1. With context takeover it counts for large messages only.
	Level int
}

// The defaults of Config.
const (
	DefaultMaxMessage = 256 << 10
	DefaultThreshold  = 128
)

func (c *Config) maxMessage() int64 {
	switch {
	case c.MaxMessage == 0:
		return DefaultMaxMessage
	case c.MaxMessage < 0:
		return math.MaxInt
	}
	return c.MaxMessage
}

func (c *Config) threshold() int {
	if c.Threshold == 0 {
		return DefaultThreshold
	}
	return c.Threshold
}
