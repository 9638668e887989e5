// Command idle measures what a server holds, and does, for connections that are
// kept alive and ask for nothing.
//
//	go run ./idle -ours std,loop -rivals fasthttp,axum -conns 10000
//
// It needs Linux. Run it inside bench/.
package main
