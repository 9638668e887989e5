// Package load is a small load generator for what wrk cannot do: several kinds
// of requests at once with figures of their own, and a steady rate at which
// stalls are counted.
//
// Each group of keep-alive connections has an event loop on a thread of its own,
// without goroutines that would wait for each other. It needs Linux 5.11.
package load
