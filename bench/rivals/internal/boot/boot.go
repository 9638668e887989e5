// Package boot is what every Go rival starts with: the two options all of them
// take, the listener, and the line that tells the load runner where it is.
package boot

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
)

// Listen reads the command line, binds the address and announces it. From here
// on the kernel queues connections, so the line may precede the first accept.
func Listen() net.Listener {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	workers := flag.Int("workers", runtime.NumCPU(), "threads that run Go code (GOMAXPROCS)")
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 {
		flag.Usage()
		os.Exit(2)
	}
	runtime.GOMAXPROCS(*workers)
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		Fail(err)
	}
	fmt.Printf("listening %s\n", ln.Addr())
	return ln
}

// Fail ends the process with err on standard error.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
