// Command streams asks what HTTP/2 does with many streams on one connection: how fast
// large bodies move on all of them at once, how evenly, and how much memory that takes;
// and how long small requests take beside them.
//
//	go run ./streams -ours std,loop -rivals nethttp -size 67108864
//
// It needs Linux. Run it inside bench/.
package main
