// Command run loads our server and its rivals in turns and compares what one
// request costs each of them.
//
//	go run ./run -scenario hello,user -rivals nethttp,gin -rounds 3 -duration 4s
//
// It needs Linux, for the accounting under /proc, and wrk, or h2load for HTTP/2. Run it
// inside bench/.
package main
