// Command json compares JSON libraries on three documents: a small one of 56
// bytes, a medium one of about 4 KiB and a large one of about 1 MiB. Each library
// decodes and encodes each document in turns, for a slice of time; what is shown is
// the CPU time of one time.
//
//	go run ./json -rounds 20
//	go run ./json -write /tmp/documents   # for rivals/rust/json
//	go test -bench . -count 10 ./json | benchstat -col /lib -
package main
