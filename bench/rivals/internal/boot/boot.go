// Package boot is what every Go rival starts with: the two options all of them
// take, the socket, and the line that tells the load runner where it is.
package boot

import (
	"flag"
	"fmt"
	"net"
	"os"
	"runtime"
)

const addrFlag = "addr"

// Parse reads the command line. The functions that listen do that unless it is done: it is
// for servers that have to look at their own options before.
func Parse() {
	flag.String(addrFlag, "127.0.0.1:0", "address to listen on")
	workers := flag.Int("workers", runtime.NumCPU(), "threads that run Go code (GOMAXPROCS)")
	flag.Parse()
	if flag.NArg() > 0 || *workers < 1 {
		flag.Usage()
		os.Exit(2)
	}
	runtime.GOMAXPROCS(*workers)
}

// Listen binds the address and announces it. From here on the kernel queues connections,
// so the line may precede the first accept.
func Listen() net.Listener {
	ln, err := net.Listen("tcp", addr())
	if err != nil {
		Fail(err)
	}
	fmt.Printf("listening %s\n", ln.Addr())
	return ln
}

// ListenPacket is Listen for datagrams.
func ListenPacket() *net.UDPConn {
	conn, err := net.ListenPacket("udp", addr())
	if err != nil {
		Fail(err)
	}
	fmt.Printf("listening %s\n", conn.LocalAddr())
	return conn.(*net.UDPConn)
}

func addr() string {
	if !flag.Parsed() {
		Parse()
	}
	return flag.Lookup(addrFlag).Value.String()
}

// Workers is what the command line asks for, which Listen has read.
func Workers() int { return runtime.GOMAXPROCS(0) }

// Fail ends the process with err on standard error.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
