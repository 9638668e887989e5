// Command typed compares what one typed request costs in memory, without a
// network: PUT /users/{id}?q= with a header field and a JSON body of 58 bytes, all
// of it read, checked and answered as JSON, by Tako and by other routers. It
// prints a table of CPU time and allocations per request, and which goals are met.
//
//	go run ./typed
//	go run ./typed -rounds 25 -requests 20000 -only tako
//	go test -run '^$' -bench . -cpu 1 -count 10 ./typed | benchstat -col /by -
//
// The contenders named tako are typed handlers behind net/http, those named
// tako-loop behind an exchange of the event loops; with -simd they have that codec,
// with -std one of encoding/json alone, and -raw is a handler of a Context that
// checks by hand. net/http is the least that can be written by hand, net/http-full
// as much as the typed handler does.
//
// The benchmark reports cpu-ns/op: where others use the machine as well, ns/op is
// worthless.
//
// Contenders are measured in turns on one processor. CPU time is that of the whole
// process, so that collecting garbage counts. Servers of net/http get a
// ResponseWriter that allocates nothing and has the methods of the real one; fiber
// gets a RequestCtx and Tako, in addition, an Exchange like that of its event
// loops. None of them parses a request or writes to a socket.
package main
