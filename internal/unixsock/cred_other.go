//go:build !linux && !darwin && !freebsd

package unixsock

// Cred is false: this system does not tell who has connected a Unix socket, or not in a way
// that is known here.
func Cred(int) (pid, uid, gid int, ok bool) { return 0, 0, 0, false }
