package main

import (
	"fmt"
	"io"
	"reflect"
	"runtime"
)

// mallocs is how many objects were allocated so far. It stops the world.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// printStats writes what the runtime counted, on one line, if it has a method
// Stats. Its type differs from runtime to runtime.
func printStats(w io.Writer, server any) {
	stats := reflect.ValueOf(server).MethodByName("Stats")
	if stats.IsValid() && stats.Type().NumIn() == 0 && stats.Type().NumOut() == 1 {
		fmt.Fprintf(w, "stats %+v\n", stats.Call(nil)[0])
	}
}
