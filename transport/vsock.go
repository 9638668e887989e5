package transport

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/tako-go/tako"
)

// anyCID is VMADDR_CID_ANY.
const anyCID = 1<<32 - 1

// VSockConfig configures [VSock].
type VSockConfig struct {
	// CID is the context id to listen on: 1 is for this machine only, 2 for the host.
	// Default: all that the machine has.
	CID uint32
}

// VSock listens on a port for streams between a virtual machine and its host; port 0 is any.
// The network of the addresses is "vsock". Linux has it; elsewhere, and if the kernel was
// built without, the error of the function matches [errors.ErrUnsupported].
func VSock(port uint32, cfg VSockConfig) tako.ListenFunc {
	return func(context.Context) (net.Listener, error) {
		cid := cfg.CID
		if cid == 0 {
			cid = anyCID
		}
		ln, err := listenVSock(cid, port)
		if err != nil {
			return nil, fmt.Errorf("transport: vsock %s: %w", vsockText(cid, port), err)
		}
		return ln, nil
	}
}

// vsockText is the address without the words that the library has in it.
func vsockText(cid, port uint32) string {
	text := strconv.FormatUint(uint64(port), 10)
	if cid == anyCID {
		return text
	}
	return strconv.FormatUint(uint64(cid), 10) + ":" + text
}

// parseVSock parses "port" and "cid:port".
func parseVSock(text string) (cid, port uint32, err error) {
	first, second, both := strings.Cut(text, ":")
	if !both {
		first, second = strconv.FormatUint(anyCID, 10), first
	}
	c, err := strconv.ParseUint(first, 10, 32)
	if err == nil {
		var p uint64
		if p, err = strconv.ParseUint(second, 10, 32); err == nil {
			return uint32(c), uint32(p), nil
		}
	}
	return 0, 0, fmt.Errorf("%q is neither a port nor a CID:PORT of numbers below 4294967296", text)
}
