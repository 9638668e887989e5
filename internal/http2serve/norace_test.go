//go:build !race

package http2serve_test

// echoSize is more than all windows and buffers.
const echoSize = 64 << 20
