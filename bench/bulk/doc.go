// Command bulk sends one large body to our server and reads one from it, and
// watches how much memory the server takes meanwhile.
//
//	go run ./bulk -ours std,loop -size 1073741824
//
// It needs Linux. Run it inside bench/.
package main
