//go:build race

package http2serve_test

// echoSize is less than without the race detector, which is slow.
const echoSize = 8 << 20
