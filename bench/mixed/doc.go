// Command mixed measures GET / on connections of its own beside others whose
// handlers sleep or spin, and what those get.
//
//	go run ./mixed -ours std,loop -rounds 3 -duration 5s
//
// It needs Linux. Run it inside bench/.
package main
