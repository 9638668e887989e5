// Command flood sends a million messages to all who are in a room, some of whom read slowly or
// not at all, and shows what that does to the memory of the server, and what it drops.
//
//	go run ./flood -ours loop:epoll,std -rivals gws,axum
//
// It needs Linux. Run it inside bench/.
package main
