//go:build !linux

package loop

import "net"

// copyFile sends part, and waits for the client.
func copyFile(nc net.Conn, x *exchange, part filePart) (int64, error) {
	return copyPieces(nc, x, part)
}
